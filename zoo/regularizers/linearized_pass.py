"""A forward pass with its linearization: how directions in the input change the logits, and back."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.math.divergences import check_classes

Tensor = Any  # a tensor of the backend


class LinearizedPass:
    """Logits at a batch of inputs, with products of their Jacobian J.

    The first `num_labeled` rows have labels.

    Args:
        inputs: `(n, ...)`, the point of linearization, constant with respect to the weights.
        logits: `(n, k)` in float32.
        losses: maps the logits of the labeled rows to their losses, `(num_labeled, k) -> (num_labeled,)`.
        num_labeled: number of rows with labels.
        jvp: `tangents -> J·tangents`, or None if no regularizer needs it.
        vjp: `cotangents -> Jᵀ·cotangents`, or None if no regularizer needs it.
        seed: `keras.random.SeedGenerator` from which penalties draw random numbers, or None if none draws.

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
        jvp: Callable[[Tensor], Tensor] | None = None,
        vjp: Callable[[Tensor], Tensor] | None = None,
        seed: keras.random.SeedGenerator | None = None,
    ):
        self.inputs = inputs
        self.logits = logits
        self.losses = losses
        self.num_labeled = num_labeled
        self.seed: Any = seed
        self._jvp: Any = jvp
        self._vjp: Any = vjp
        # Not functools.cached_property: its lock in Python 3.11 blocks the threads in which MirroredStrategy traces.
        self._loss_gradient = self._virtual_loss_gradient = None

    @property
    def labeled_inputs(self) -> Tensor:
        """The rows of `inputs` that have labels."""
        return self.inputs[: self.num_labeled]

    def push_forward(self, tangents: Tensor) -> Tensor:
        """`J·tangents`, `(n, ...) -> (n, k)`."""
        return self._jvp(ops.cast(tangents, self.inputs.dtype))

    def pull_back(self, cotangents: Tensor) -> Tensor:
        """`Jᵀ·cotangents`, `(n, k) -> (n, ...)`.

        The product is computed at a scale that half precision can hold. Otherwise the logit gradients of a confident
        network would vanish on their way back through a float16 network. One scale serves the whole batch, because
        batch normalization lets examples act on each other.
        """
        # Clamp: 1/x overflows float32 for subnormal x.
        largest = sum_over_replicas(ops.stop_gradient(ops.max(ops.abs(cotangents))))
        scale = 256.0 / ops.maximum(largest, 1e-30)
        pulled = self._vjp(cotangents * scale)  # in the type of the inputs, which may differ from that of the logits
        return pulled / ops.cast(scale, pulled.dtype)

    @property
    def loss_gradient(self) -> Tensor:
        """`g = ∂L/∂x` of each labeled example's own loss, `(num_labeled, ...)`, a function of the weights.

        With batch normalization the gradient of an example includes its effect on the others through the batch
        statistics.
        """
        if self._loss_gradient is None:
            gradient = self._gradient_of(lambda logits: self.losses(logits[: self.num_labeled]))
            self._loss_gradient = gradient[: self.num_labeled]
        return self._loss_gradient

    @property
    def virtual_loss_gradient(self) -> Tensor:
        """`g = ∂L/∂x` of every example, `(n, ...)`. Rows without labels use the network's own decisions as labels.

        Raises:
            ValueError: the network decides between fewer than two classes.
        """
        num_classes = check_classes("Virtual labels need", self.logits)
        decisions = ops.argmax(self.logits[self.num_labeled :], axis=-1)
        decisions = ops.one_hot(decisions, num_classes, dtype=self.logits.dtype)

        def losses(logits):
            virtual = -ops.sum(decisions * ops.log_softmax(logits[self.num_labeled :], axis=-1), axis=-1)
            return ops.concatenate([self.losses(logits[: self.num_labeled]), virtual])

        if self._virtual_loss_gradient is None:
            self._virtual_loss_gradient = self._gradient_of(losses)
        return self._virtual_loss_gradient

    def _gradient_of(self, losses: Callable[[Tensor], Tensor]) -> Tensor:
        by_logits = linearize(lambda logits: (losses(logits), ()), self.logits)
        return self.pull_back(by_logits.vjp(ops.ones_like(by_logits.outputs)))
