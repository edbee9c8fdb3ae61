"""The clean forward pass over a batch, and what a penalty may ask of it."""

from typing import Any

from keras import ops

from zoo.regularizers.linearized_pass import LinearizedPass

Tensor = Any


class CleanPass(LinearizedPass):
    """One forward pass over a batch, shared by the training loss and every penalty.

    Args:
        forward: `(inputs, weights=()) -> logits`, the same network in the same mode: batch statistics of the inputs
            that it receives, the dropout masks and noise of the clean pass (for as many inputs), no moving average
            touched. `weights` pairs trainable variables with values to use in their place.
        sample_weight: `(num_labeled,)` or `(num_labeled, 1)`, or None.
        variables: the network's variables.
        compute_dtype: the floating-point type in which the network computes.
        **linearized: `inputs`, `logits`, `losses`, `num_labeled`, `jvp`, `vjp` and `seed`, see `LinearizedPass`.
            `inputs` are the network's inputs after preprocessing.
    """

    def __init__(self, *, forward, sample_weight=None, variables=(), compute_dtype="float32", **linearized):
        super().__init__(**linearized)
        self.forward = forward
        self.sample_weight = sample_weight
        self.variables = variables
        self.compute_dtype = compute_dtype

    def mean(self, values: Tensor) -> Tensor:
        """The batch mean of per-example values, `(num_labeled,)` or `(n,)`. Sample weights apply to labeled rows."""
        if self.sample_weight is not None:
            ones = ops.ones_like(values[self.num_labeled :])
            weights = ops.cast(ops.reshape(self.sample_weight, (-1,)), values.dtype)
            values = values * ops.concatenate([weights, ones])
        return ops.mean(values)
