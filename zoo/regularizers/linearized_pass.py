"""Logits at a batch of inputs with products of their Jacobian: what attacks and power iterations need."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import check_classes, log_unit_probabilities
from zoo.regularizers.math.per_example import expand_last, over_positions

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

    @property
    def labeled_losses(self) -> Tensor:
        """The losses of the labeled inputs, `(num_labeled,)`."""
        return self.losses(self.logits[: self.num_labeled])

    @property
    def labeled_mask(self) -> Tensor | None:
        """The rows of `mask` of the inputs that have labels; None if there is no mask."""
        return None if self.mask is None else self.mask[: self.num_labeled]

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
        """The number of positions of each example that count, at least 1: a number, or `(n,)` if there is a mask."""
        if self.mask is None:
            lengths = ops.shape(self.logits)[1:-1]  # tensors where the size of the outputs is not fixed
            return math.prod(lengths)
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
