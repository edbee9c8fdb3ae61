"""One pass over a batch, and what a regularizer may ask of it."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.moments import mean
from zoo.regularizers.linearized_pass import LinearizedPass
from zoo.regularizers.math.per_example import over_positions

Tensor = Any  # a tensor of the backend
MODES = ("training", "prediction")
"""How the network runs while a penalty attacks it: with batch statistics and dropout, or as it predicts."""


class CleanPass(LinearizedPass):
    """One forward pass over a batch, shared by the training loss and every penalty.

    Args:
        forward: `(inputs, weights=()) -> logits`. It runs the same network in the same mode, with the batch statistics
            of the inputs that it receives, and with the dropout masks and noise of the clean pass (for as many
            inputs). It updates no moving average. `weights` has pairs of a trainable variable and a value that
            replaces its own.
        predict: like `forward`, but in prediction mode: with moving averages, and without dropout and noise. None if
            `forward` already predicts.
        sample_weight: `(num_labeled,)`, `(num_labeled, 1)` or a weight of each position of dense outputs; or None. For
            weights of positions, the example has their mean over the positions that count.
        targets_of: `() -> (num_labeled, k)`, labels as probabilities of the classes. It raises `ValueError` if there
            are none.
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
        predict: Callable[..., Tensor] | None = None,
        sample_weight: Tensor | None = None,
        targets_of: Callable[[], Tensor] | None = None,
        variables: Sequence[keras.Variable] = (),
        compute_dtype: str = "float32",
        **linearized: Any,
    ):
        super().__init__(**linearized)
        self.forward = forward
        self.predict = predict or forward
        self.sample_weight = sample_weight
        self._targets_of: Any = targets_of
        self.variables = variables
        self.compute_dtype = compute_dtype

    @property
    def targets(self) -> Tensor:
        """The labels as probabilities of the classes, `(num_labeled, k)`.

        Raises:
            ValueError: there are no labels of classes.
        """
        if self._targets_of is None:
            raise ValueError("The penalty needs labels, and this pass has none.")
        return self._targets_of()

    def with_weights(self, weights: Sequence[tuple[keras.Variable, Tensor]]) -> "CleanPass":
        """The pass over the same batch under other weights, without products with its Jacobian.

        All inputs pass, also for penalties of the labeled ones: they have the batch statistics of all inputs.

        Args:
            weights: pairs of a trainable variable and a value that replaces its own.
        """
        other = copy.copy(self)

        def with_fixed(run):
            return lambda inputs, weights=(), fixed=weights: run(inputs, weights=[*weights, *fixed])

        other.forward, other.predict = with_fixed(self.forward), with_fixed(self.predict)
        other.logits = other.forward(self.inputs)
        other._jvp = other._vjp = other._loss_gradient = other._virtual_loss_gradient = None
        return other

    def linearized_at(self, inputs: Tensor, mode: str = "training") -> LinearizedPass:
        """The pass over other inputs, linearized, with constant weights: where an iterated attack has arrived.

        It updates no moving average.

        Args:
            inputs: `(m, ...)`. The first `num_labeled` rows are those of the labeled inputs.
            mode: `"training"`, with the batch statistics of these inputs, or `"prediction"`.
        """
        # Constant weights: the gradient of the objective does not run through the attack.
        frozen = [(v, ops.stop_gradient(v.value)) for v in self.variables if v.trainable]
        inputs, run = ops.stop_gradient(inputs), self.predict if mode == "prediction" else self.forward
        linear = linearize(lambda x: (run(x, weights=frozen), ()), inputs)
        return LinearizedPass(
            inputs=inputs,
            logits=linear.outputs,
            losses=self.losses,
            num_labeled=self.num_labeled,
            distribution=self.distribution,
            jvp=linear.jvp,
            vjp=linear.vjp,
            mask=None if self.mask is None else self.mask[: ops.shape(inputs)[0]],
        )

    def mean(self, values: Tensor) -> Tensor:
        """The batch mean of values per example. Sample weights apply to the labeled rows.

        With a mask every position that counts has the same weight, as in Keras's losses. An example with more of them
        therefore has a larger weight.

        Args:
            values: `(num_labeled,)` or `(n,)`.

        Returns:
            A scalar.
        """
        if self.sample_weight is not None:
            ones = ops.ones_like(values[self.num_labeled :])
            weights = ops.cast(self.sample_weight, values.dtype)
            of_positions = len(weights.shape) > 1 and weights.shape[-1] != 1
            weights = over_positions(weights, self.labeled_mask if of_positions else None)
            values = values * ops.concatenate([weights, ones])
        if self.mask is None:
            return mean(values)
        shares = over_positions(ops.cast(self.mask[: ops.shape(values)[0]], values.dtype))
        return ops.divide_no_nan(mean(values * shares), mean(shares))
