"""The clean forward pass over a batch, and what a regularizer may ask of it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.regularizers.linearized_pass import LinearizedPass

Tensor = Any  # a tensor of the backend


class CleanPass(LinearizedPass):
    """One forward pass over a batch, shared by the training loss and every penalty.

    Args:
        forward: `(inputs, weights=()) -> logits`. It runs the same network in the same mode, with the batch statistics
            of the inputs that it receives, and with the dropout masks and noise of the clean pass (for as many
            inputs). It updates no moving average. `weights` has pairs of a trainable variable and a value that
            replaces its own.
        sample_weight: `(num_labeled,)` or `(num_labeled, 1)`, or None.
        variables: the variables of the network.
        compute_dtype: the floating-point type in which the network computes.
        **linearized: `inputs`, `logits`, `losses`, `num_labeled`, `jvp`, `vjp` and `seed`, see `LinearizedPass`.
            `inputs` are the inputs of the network, after preprocessing.

    Example:
        >>> from zoo.analysis.prediction_pass import prediction_pass
        >>> clean_pass = prediction_pass(zoo.networks.mlp((4,), 3, hidden_units=()), np.zeros((2, 4), "float32"))
        >>> type(clean_pass).__name__, clean_pass.logits.shape.as_list()
        ('CleanPass', [2, 3])
    """

    def __init__(
        self,
        *,
        forward: Callable[..., Tensor],
        sample_weight: Tensor | None = None,
        variables: Sequence[keras.Variable] = (),
        compute_dtype: str = "float32",
        **linearized: Any,
    ):
        super().__init__(**linearized)
        self.forward = forward
        self.sample_weight = sample_weight
        self.variables = variables
        self.compute_dtype = compute_dtype

    def mean(self, values: Tensor) -> Tensor:
        """The batch mean of values per example. Sample weights apply to the labeled rows.

        Args:
            values: `(num_labeled,)` or `(n,)`.

        Returns:
            A scalar.
        """
        if self.sample_weight is not None:
            ones = ops.ones_like(values[self.num_labeled :])
            weights = ops.cast(ops.reshape(self.sample_weight, (-1,)), values.dtype)
            values = values * ops.concatenate([weights, ones])
        return ops.mean(values)
