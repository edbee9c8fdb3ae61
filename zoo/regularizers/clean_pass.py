"""The clean forward pass over a batch, and what a penalty may ask of it."""

from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.math.divergences import check_classes


class CleanPass:
    """One forward pass over a batch, shared by the training loss and every penalty.

    Inputs are ordered labeled first, so the first `num_labeled` rows of everything below have labels.

    Args:
        inputs: `(n, ...)`, the network's inputs after preprocessing, constant with respect to the weights.
        logits: `(n, k)` in float32.
        forward: `(inputs, weights=None) -> logits`, the same network in the same mode: batch statistics of the inputs
            that it is given, the dropout masks and noise of the clean pass (given as many inputs), no moving average
            touched. `weights` pairs trainable variables with values to use in their place.
        losses: `logits of the labeled rows -> (num_labeled,)`, the loss of each example.
        num_labeled: how many rows have labels.
        sample_weight: `(num_labeled,)` or `(num_labeled, 1)`, or None.
        jvp, vjp: products with the Jacobian of the logits in the inputs; None unless a regularizer asked for them.
        variables: the network's variables.
        compute_dtype: the floating-point type in which the network computes.
        seed: `keras.random.SeedGenerator` from which penalties draw.
    """

    def __init__(
        self,
        *,
        inputs,
        logits,
        forward,
        losses,
        num_labeled,
        sample_weight=None,
        jvp=None,
        vjp=None,
        variables=(),
        compute_dtype="float32",
        seed=None,
    ):
        self.inputs = inputs
        self.logits = logits
        self.forward = forward
        self.losses = losses
        self.num_labeled = num_labeled
        self.sample_weight = sample_weight
        self._jvp, self._vjp = jvp, vjp
        self.variables = variables
        self.compute_dtype = compute_dtype
        self.seed = seed
        # No functools.cached_property: its lock in Python 3.11 stops the threads in which MirroredStrategy traces.
        self._loss_gradient = self._virtual_loss_gradient = None

    @property
    def labeled_inputs(self):
        """The rows of `inputs` that have labels."""
        return self.inputs[: self.num_labeled]

    def push_forward(self, tangents):
        """`J·tangents`, `(n, ...) -> (n, k)`."""
        return self._jvp(ops.cast(tangents, self.inputs.dtype))

    def pull_back(self, cotangents):
        """`Jᵀ·cotangents`, `(n, k) -> (n, ...)`.

        It is computed at a scale that half precision can hold: the logit gradients of a confident network would
        vanish on their way back through a float16 network. One scale serves the whole batch because batch
        normalization lets examples act on each other.
        """
        # The bound keeps the scale finite: single precision has cotangents whose reciprocal it has not.
        largest = sum_over_replicas(ops.stop_gradient(ops.max(ops.abs(cotangents))))
        scale = 256.0 / ops.maximum(largest, 1e-30)
        pulled = self._vjp(cotangents * scale)  # in the inputs' type, which need not be that of the logits
        return pulled / ops.cast(scale, pulled.dtype)

    @property
    def loss_gradient(self):
        """`g = ∂L/∂x` of each labeled example's own loss, `(num_labeled, ...)`, a function of the weights.

        With batch normalization an example's gradient includes its effect on the others through the batch
        statistics.
        """
        if self._loss_gradient is None:
            gradient = self._gradient_of(lambda logits: self.losses(logits[: self.num_labeled]))
            self._loss_gradient = gradient[: self.num_labeled]
        return self._loss_gradient

    @property
    def virtual_loss_gradient(self):
        """`g = ∂L/∂x` of every example, `(n, ...)`; those without labels take the network's own decisions for theirs.

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

    def _gradient_of(self, losses):
        by_logits = linearize(lambda logits: (losses(logits), ()), self.logits)
        return self.pull_back(by_logits.vjp(ops.ones_like(by_logits.outputs)))

    def mean(self, values):
        """The batch mean of per-example values: `(num_labeled,)` or `(n,)`; sample weights apply to labeled rows."""
        if self.sample_weight is not None:
            ones = ops.ones_like(values[self.num_labeled :])
            weights = ops.cast(ops.reshape(self.sample_weight, (-1,)), values.dtype)
            values = values * ops.concatenate([weights, ones])
        return ops.mean(values)
