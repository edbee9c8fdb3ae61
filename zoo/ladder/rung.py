"""One layer of a ladder's encoder."""

from typing import Any

import keras
from keras import ops

from zoo.backend.replicas import num_replicas, sum_over_replicas
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

# The slope 0.1 of the leaky ReLU is that of the convolutional networks in the literature.
ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": ops.relu,
    "leaky_relu": lambda z: ops.leaky_relu(z, negative_slope=0.1),
}
EPSILON = 1e-10


def batch_moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over batch and positions, for each unit or channel.

    Args:
        values: `(n, ..., k)`.

    Returns:
        Mean and (biased) variance, `(k,)` each.

    Example:
        >>> from zoo.ladder.rung import batch_moments
        >>> [np.asarray(each).tolist() for each in batch_moments(np.array([[1.0], [3.0]]))]
        [[2.0], [1.0]]
    """
    axes = tuple(range(len(values.shape) - 1))
    count = num_replicas() * ops.cast(ops.size(values) // values.shape[-1], values.dtype)
    # On JAX keras.ops.mean would go through single precision.
    mean = sum_over_replicas(ops.sum(values, axis=axes)) / count
    # Not E[z²] − E[z]², which would lose digits.
    return mean, sum_over_replicas(ops.sum(ops.square(values - mean), axis=axes)) / count


def standardize(values: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """`(values − mean)/sqrt(variance + 1e-10)`.

    Args:
        values: `(n, ..., k)`.
        mean: `(k,)`.
        variance: `(k,)`, at least 0.

    Returns:
        `(n, ..., k)`.

    Example:
        >>> from zoo.ladder.rung import standardize
        >>> np.asarray(standardize(np.array([3.0]), 1.0, 4.0)).round(6).tolist()
        [1.0]
    """
    return (values - mean) * ops.rsqrt(variance + EPSILON)


@keras.saving.register_keras_serializable(package="zoo")
class Rung(keras.layers.Layer):
    """One layer of a ladder's encoder: `z = BN(W h)`, `h ← act(γ(z + β))`.

    The layer's call is the clean path: batch statistics in training, their moving averages in prediction. A ladder
    network runs the steps of the layer separately, to add noise to z and to keep z for the decoder.

    Args:
        projection: W, a Keras layer without bias.
        activation: `"relu"`, `"leaky_relu"` (slope 0.1) or `"linear"`.
        shift: whether the layer has β.
        scale: whether the layer has γ. γ matters only before a function that is not homogeneous, such as a softmax.
        momentum: momentum of the moving averages, 0 to 1.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        ValueError: an unknown activation, with the nearest name.

    Source: Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder networks",
    https://arxiv.org/abs/1507.02672, algorithm 1.

    Example:
        >>> from zoo.ladder.rung import Rung
        >>> rung = Rung(keras.layers.Dense(3, use_bias=False), "relu")
        >>> rung(np.ones((2, 5), "float32")).shape.as_list()
        [2, 3]
    """

    def __init__(
        self,
        projection: keras.Layer,
        activation: str = "linear",
        *,
        shift: bool = True,
        scale: bool = False,
        momentum: float = 0.99,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.projection = projection
        self.activation = check_choice("activation", activation, ACTIVATIONS)
        self.shift, self.scale, self.momentum = shift, scale, momentum
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=EPSILON, center=False, scale=False, dtype=self._statistics_policy()
        )

    def _statistics_policy(self) -> str:
        """Double precision stays. Statistics with an ε of 1e-10 need at least single precision."""
        return "float64" if self.compute_dtype == "float64" else "float32"

    def build(self, input_shape: tuple) -> None:
        """Builds the projection, the statistics, β and γ."""
        if not self.projection.built:
            self.projection.build(input_shape)
        shape = self.projection.compute_output_shape(input_shape)
        self.normalization.build(shape)
        units = (shape[-1],)
        self.beta = self.add_weight(shape=units, initializer="zeros", name="beta") if self.shift else None
        self.gamma = self.add_weight(shape=units, initializer="ones", name="gamma") if self.scale else None

    def project(self, h: Tensor) -> Tensor:
        """`W h`, in at least single precision."""
        return ops.cast(self.projection(h), self.normalization.compute_dtype)

    def activate(self, z: Tensor) -> Tensor:
        """`act(γ(z + β))`."""
        if self.beta is not None:
            z = z + ops.cast(self.beta, z.dtype)
        if self.gamma is not None:
            z = z * ops.cast(self.gamma, z.dtype)
        return ACTIVATIONS[self.activation](z)

    def update_statistics(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the averages for prediction towards the statistics of a batch, `(k,)` each."""
        moving = self.normalization.moving_mean, self.normalization.moving_variance
        for average, value in zip(moving, (mean, variance), strict=True):
            value = ops.cast(ops.stop_gradient(value), average.dtype)
            average.assign(average.value * self.momentum + value * (1 - self.momentum))

    def call(self, h: Tensor, training: bool = False) -> Tensor:
        """The clean path."""
        z = self.normalization(self.project(h), training=training)
        return ops.cast(self.activate(z), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape that the projection gives."""
        return self.projection.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, serialized."""
        return {
            **super().get_config(),
            "projection": keras.saving.serialize_keras_object(self.projection),
            "activation": self.activation,
            "shift": self.shift,
            "scale": self.scale,
            "momentum": self.momentum,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Rung":
        """Makes the layer from the result of `get_config`."""
        return cls(**{**config, "projection": keras.saving.deserialize_keras_object(config["projection"])})
