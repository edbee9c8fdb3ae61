"""One layer of a ladder's encoder."""

import keras
from keras import ops

from zoo.backend.replicas import num_replicas, sum_over_replicas
from zoo.validation import check_choice

# Keras's own functions; leaky ReLU has the slope 0.1 that the field's convolutional networks use.
ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": ops.relu,
    "leaky_relu": lambda z: ops.leaky_relu(z, negative_slope=0.1),
}
EPSILON = 1e-10


def batch_moments(values):
    """Mean and variance over batch and positions, per unit or channel: `(n, ..., k) -> (k,), (k,)`."""
    axes = tuple(range(len(values.shape) - 1))
    count = num_replicas() * ops.cast(ops.size(values) // values.shape[-1], values.dtype)
    # On JAX keras.ops.mean would go through single precision.
    mean = sum_over_replicas(ops.sum(values, axis=axes)) / count
    # E[z²] − E[z]² would lose digits.
    return mean, sum_over_replicas(ops.sum(ops.square(values - mean), axis=axes)) / count


def standardize(values, mean, variance):
    """`(values − mean)/sqrt(variance + 1e-10)`."""
    return (values - mean) * ops.rsqrt(variance + EPSILON)


@keras.saving.register_keras_serializable(package="zoo")
class Rung(keras.layers.Layer):
    """One layer of a ladder's encoder: `z = BN(W h)`, `h ← act(γ(z + β))`.

    Called as a layer it is the clean path: batch statistics in training, their moving averages at test time. A ladder
    network takes it apart, to add noise to z and to keep z for the decoder.

    Args:
        projection: W, a Keras layer without bias.
        activation: `"relu"`, `"leaky_relu"` (slope 0.1) or `"linear"`.
        shift: whether there is a β.
        scale: whether there is a γ; it makes a difference only where the activation is not scale-free, before a
            softmax.
        momentum: of the moving averages.

    Source: Rasmus et al. 2015, algorithm 1.
    """

    def __init__(self, projection, activation="linear", *, shift=True, scale=False, momentum=0.99, **kwargs):
        super().__init__(**kwargs)
        self.projection = projection
        self.activation = check_choice("activation", activation, ACTIVATIONS)
        self.shift, self.scale, self.momentum = shift, scale, momentum
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=EPSILON, center=False, scale=False, dtype=self._statistics_policy()
        )

    def _statistics_policy(self):
        """Double precision stays; statistics with an ε of 1e-10 need at least single precision."""
        return "float64" if self.compute_dtype == "float64" else "float32"

    def build(self, input_shape):
        if not self.projection.built:
            self.projection.build(input_shape)
        shape = self.projection.compute_output_shape(input_shape)
        self.normalization.build(shape)
        units = (shape[-1],)
        self.beta = self.add_weight(shape=units, initializer="zeros", name="beta") if self.shift else None
        self.gamma = self.add_weight(shape=units, initializer="ones", name="gamma") if self.scale else None

    def project(self, h):
        """`W h`, in at least single precision."""
        return ops.cast(self.projection(h), self.normalization.compute_dtype)

    def activate(self, z):
        """`act(γ(z + β))`."""
        if self.beta is not None:
            z = z + ops.cast(self.beta, z.dtype)
        if self.gamma is not None:
            z = z * ops.cast(self.gamma, z.dtype)
        return ACTIVATIONS[self.activation](z)

    def update_statistics(self, mean, variance):
        """Moves the averages for test time towards a batch's statistics."""
        moving = self.normalization.moving_mean, self.normalization.moving_variance
        for average, value in zip(moving, (mean, variance), strict=True):
            value = ops.cast(ops.stop_gradient(value), average.dtype)
            average.assign(average.value * self.momentum + value * (1 - self.momentum))

    def call(self, h, training=False):
        z = self.normalization(self.project(h), training=training)
        return ops.cast(self.activate(z), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return self.projection.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "projection": keras.saving.serialize_keras_object(self.projection),
            "activation": self.activation,
            "shift": self.shift,
            "scale": self.scale,
            "momentum": self.momentum,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "projection": keras.saving.deserialize_keras_object(config["projection"])})
