"""The clean forward pass over a batch with its linearization, and what a regularizer may ask of it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.moments import mean
from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import check_classes, expand_last, log_unit_probabilities, over_positions

Tensor = Any  # a tensor of the backend


class LinearizedPass:
    """Logits at a batch of inputs, with products of their Jacobian J.

    The first `num_labeled` rows have labels.

    Args:
        inputs: `(n, ...)`, the tensor that penalties move, at the point of linearization: constant with respect to the
            weights.
        logits: `(n, k)` in float32, or `(n, ..., k)` for dense outputs.
        losses: maps the logits of the labeled rows to their losses, `(num_labeled, k) -> (num_labeled,)`.
        num_labeled: number of rows with labels.
        distribution: of the predictions: `"categorical"` (softmax of the logits), or `"bernoulli"` (sigmoid of each
            logit, for multi-label networks).
        jvp: `tangents -> J·tangents`, or None if no regularizer needs it.
        vjp: `cotangents -> Jᵀ·cotangents`, or None if no regularizer needs it.
        seed: `keras.random.SeedGenerator` from which penalties draw random numbers, or None if none draws.
        moved: 1 for entries of `inputs` that penalties move and 0 for others, such as padding, in the shape of
            `inputs`; None if they move all entries.
        mask: `True` at the positions of dense outputs that count, `(n, ...)`, as Keras's losses see them; None if all
            count. J is then the Jacobian of the logits at these positions, and 0 at the others.

    Example:
        >>> from zoo.analysis.prediction_pass import prediction_pass
        >>> clean_pass = prediction_pass(lambda x: keras.ops.matmul(x, np.diag([2.0, 1.0])), np.ones((1, 2)))
        >>> np.asarray(clean_pass.push_forward(np.array([[1.0, 1.0]])))
        array([[2., 1.]])
    """

    def __init__(
        self,
        *,
        inputs: Tensor,
        logits: Tensor,
        losses: Callable[[Tensor], Tensor],
        num_labeled: int | Tensor,
        distribution: str = "categorical",
        jvp: Callable[[Tensor], Tensor] | None = None,
        vjp: Callable[[Tensor], Tensor] | None = None,
        seed: keras.random.SeedGenerator | None = None,
        moved: Tensor | None = None,
        mask: Tensor | None = None,
    ):
        self.inputs = inputs
        self.logits = logits
        self.losses = losses
        self.num_labeled = num_labeled
        self.distribution = distribution
        self.seed: Any = seed
        self.moved = moved
        self.mask = mask
        self._jvp: Any = jvp
        self._vjp: Any = vjp
        # Not functools.cached_property: its lock in Python 3.11 blocks the threads in which MirroredStrategy traces.
        self._loss_gradient = self._virtual_loss_gradient = None

    @property
    def labeled_inputs(self) -> Tensor:
        """The rows of `inputs` that have labels."""
        return self.inputs[: self.num_labeled]

    def random_direction(self) -> Tensor:
        """Draws a unit vector for every example, uniformly, `(n, ...)`. Entries that do not move are 0."""
        direction = per_example.random_direction(self.inputs, self.seed)
        return direction if self.moved is None else per_example.normalize(direction * self.moved)

    def push_forward(self, tangents: Tensor) -> Tensor:
        """`J·tangents`, `(n, ...) -> (n, k)`."""
        return self._counted(self._jvp(ops.cast(tangents, self.inputs.dtype)))

    def pull_back(self, cotangents: Tensor) -> Tensor:
        """`Jᵀ·cotangents`, `(n, k) -> (n, ...)`.

        The product is computed at a scale that half precision can hold. Otherwise the logit gradients of a confident
        network would vanish on their way back through a float16 network. One scale serves the whole batch, because
        batch normalization lets examples act on each other.
        """
        cotangents = self._counted(cotangents)
        # Clamp: 1/x overflows float32 for subnormal x.
        largest = sum_over_replicas(ops.stop_gradient(ops.max(ops.abs(cotangents))))
        scale = 256.0 / ops.maximum(largest, 1e-30)
        pulled = self._vjp(cotangents * scale)  # in the type of the inputs, which may differ from that of the logits
        return pulled / ops.cast(scale, pulled.dtype)

    def _counted(self, logits):
        """Logits, or changes of them, with 0 at the positions that the mask leaves out."""
        if self.mask is None:
            return logits
        return ops.where(expand_last(self.mask, logits), logits, ops.zeros_like(logits))

    @property
    def num_positions(self) -> Any:
        """The number of positions of each example that count, at least 1: an integer, or `(n,)` if there is a mask."""
        if self.mask is None:
            return math.prod(self.logits.shape[1:-1])
        return ops.maximum(ops.sum(ops.cast(per_example.flatten(self.mask), self.logits.dtype), axis=-1), 1)

    @property
    def loss_gradient(self) -> Tensor:
        """`g = ∂L/∂x` of each labeled example's own loss, `(num_labeled, ...)`, a function of the weights.

        With batch normalization the gradient of an example includes its effect on the others through the batch
        statistics.
        """
        if self._loss_gradient is None:
            gradient = self.gradient_of(lambda logits: self.losses(logits[: self.num_labeled]))
            self._loss_gradient = gradient[: self.num_labeled]
        return self._loss_gradient

    @property
    def virtual_loss_gradient(self) -> Tensor:
        """`g = ∂L/∂x` of every example, `(n, ...)`. Rows without labels use the network's own decisions as labels.

        Raises:
            ValueError: the network decides between fewer than two classes.
        """
        mask = None if self.mask is None else self.mask[self.num_labeled :]
        virtual_losses = _virtual_losses(self.logits[self.num_labeled :], self.distribution, mask)

        def losses(logits):
            virtual = virtual_losses(logits[self.num_labeled :])
            if isinstance(self.num_labeled, int) and not self.num_labeled:
                return virtual
            return ops.concatenate([self.losses(logits[: self.num_labeled]), virtual])

        if self._virtual_loss_gradient is None:
            self._virtual_loss_gradient = self.gradient_of(losses)
        return self._virtual_loss_gradient

    def gradient_of(self, losses: Callable[[Tensor], Tensor]) -> Tensor:
        """The gradient of the sum of some losses in the inputs, `(n, ...)`.

        Args:
            losses: maps the logits to their losses, `(n, k) -> (m,)`.
        """
        by_logits = linearize(lambda logits: (losses(logits), ()), self.logits)
        return self.pull_back(by_logits.vjp(ops.ones_like(by_logits.outputs)))


def _rows(mask, number):
    return None if mask is None else mask[:number]


def _virtual_losses(logits, distribution, mask):
    """The cross-entropy of each example with the network's own decision, as a function of its logits."""
    if distribution == "bernoulli":
        decisions = ops.cast(logits > 0, logits.dtype)

        def of_units(logits):
            log_p, log_not_p = log_unit_probabilities(logits)
            return over_positions(-decisions * log_p - (1 - decisions) * log_not_p, mask)  # and over units, as in Keras

        return of_units
    num_classes = check_classes("Virtual labels need", logits)
    decisions = ops.one_hot(ops.argmax(logits, axis=-1), num_classes, dtype=logits.dtype)
    return lambda logits: over_positions(-ops.sum(decisions * ops.log_softmax(logits, axis=-1), axis=-1), mask)


class CleanPass(LinearizedPass):
    """One forward pass over a batch, shared by the training loss and every penalty.

    Args:
        forward: `(inputs, weights=()) -> logits`. It runs the same network in the same mode, with the batch statistics
            of the inputs that it receives, and with the dropout masks and noise of the clean pass (for as many
            inputs). It updates no moving average. `weights` has pairs of a trainable variable and a value that
            replaces its own.
        sample_weight: `(num_labeled,)`, `(num_labeled, 1)` or a weight of each position of dense outputs, whose mean
            then weights the example (of those that count, if there is a mask); or None.
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

    def linearized_at(self, inputs: Tensor) -> LinearizedPass:
        """The pass over other inputs, linearized, with constant weights: where an iterated attack has arrived.

        As every perturbed pass it has the batch statistics of its inputs, and updates no moving average.

        Args:
            inputs: `(m, ...)`. The first `num_labeled` rows are those of the labeled inputs.
        """
        # Constant weights: the gradient of the objective does not run through the attack.
        frozen = [(v, ops.stop_gradient(v.value)) for v in self.variables if v.trainable]
        inputs = ops.stop_gradient(inputs)
        linear = linearize(lambda x: (self.forward(x, weights=frozen), ()), inputs)
        return LinearizedPass(
            inputs=inputs,
            logits=linear.outputs,
            losses=self.losses,
            num_labeled=self.num_labeled,
            distribution=self.distribution,
            jvp=linear.jvp,
            vjp=linear.vjp,
            mask=_rows(self.mask, ops.shape(inputs)[0]),
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
            weights = over_positions(weights, _rows(self.mask, self.num_labeled) if of_positions else None)
            values = values * ops.concatenate([weights, ones])
        if self.mask is None:
            return mean(values)
        shares = over_positions(ops.cast(self.mask[: ops.shape(values)[0]], values.dtype))
        return ops.divide_no_nan(mean(values * shares), mean(shares))
