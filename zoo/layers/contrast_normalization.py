"""Contrast normalization of each image by itself."""

import keras
from keras import ops

from zoo.validation import check_number

# Rounding of the mean leaves about 1e-7 of a constant image's norm; what is below this share is no contrast.
MIN_CONTRAST = 1e-5


@keras.saving.register_keras_serializable(package="zoo")
class PerImageContrastNormalization(keras.layers.Layer):
    """Centers each example and brings it to a common norm.

    `x ← scale·(x − m)/‖x − m‖`, with m the mean of all of the example's entries, channels included. A
    constant image becomes zero. It is computed in float32 whatever the layer's compute type.

    Args:
        scale: the L2 norm of every output, above 0. 55 is customary for CIFAR-10.

    Input shape: `(n, ...)`, integer or floating. Output shape: the same, in the layer's compute type.

    Raises:
        ValueError: `scale` is not above 0.

    Source: Coates, Lee, Ng, "An analysis of single-layer networks in unsupervised feature learning", 2011;
    the scale is that of Goodfellow et al., "Maxout networks", 2013.
    """

    def __init__(self, scale=55.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale = check_number("scale", scale, above=0)

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        axes = tuple(range(1, len(x.shape)))
        centered = x - ops.mean(x, axes, keepdims=True)
        square = ops.sum(ops.square(centered), axes, keepdims=True)
        constant = square <= MIN_CONTRAST**2 * ops.sum(ops.square(x), axes, keepdims=True)
        # The inner `where` keeps the derivative of a constant image finite.
        inverse_norm = ops.where(constant, 0.0, ops.rsqrt(ops.where(constant, 1.0, square)))
        return ops.cast(self.scale * centered * inverse_norm, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
