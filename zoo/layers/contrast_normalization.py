"""Contrast normalization of each image by itself."""

from typing import Any

import keras
from keras import ops

from zoo.validation import check_number

Tensor = Any  # a tensor of the backend

# Rounding of the mean leaves about 1e-7 of a constant image's norm. A contrast below this share is rounding noise.
MIN_CONTRAST = 1e-5


@keras.saving.register_keras_serializable(package="zoo")
class PerImageContrastNormalization(keras.layers.Layer):
    """Centers each example and scales it to a common norm.

    `x ← scale·(x − m)/‖x − m‖`, where m is the mean of all entries of the example, channels included. A constant image
    becomes zero. The layer computes in float32, whatever its compute dtype.

    Args:
        scale: L2 norm of every output, above 0. 55 is customary for CIFAR-10.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape: `(n, ...)`, integer or floating. Output shape: the same, in the layer's compute dtype.

    Raises:
        TypeError: `scale` is not a number.
        ValueError: `scale` is not above 0.

    Source: Coates, Lee, Ng, 2011, "An analysis of single-layer networks in unsupervised feature learning",
    https://proceedings.mlr.press/v15/coates11a.html. The scale is that of Goodfellow et al., 2013, "Maxout networks",
    https://arxiv.org/abs/1302.4389.

    Example:
        >>> import numpy as np
        >>> import zoo
        >>> layer = zoo.layers.PerImageContrastNormalization(scale=2.0)
        >>> np.asarray(layer(np.array([[1.0, 3.0, 1.0, 3.0]])))
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(self, scale: float = 55.0, **kwargs: Any):
        """Checks the scale."""
        super().__init__(autocast=False, **kwargs)
        self.scale = check_number("scale", scale, above=0)

    def call(self, inputs: Tensor) -> Tensor:
        """Normalizes each example of a batch."""
        x: Tensor = ops.cast(inputs, "float32")
        axes = tuple(range(1, len(x.shape)))
        centered: Tensor = x - ops.mean(x, axes, keepdims=True)
        square: Tensor = ops.sum(ops.square(centered), axes, keepdims=True)
        total: Tensor = ops.sum(ops.square(x), axes, keepdims=True)
        constant = square <= MIN_CONTRAST**2 * total
        # The inner `where` keeps the derivative at a constant image finite.
        inverse_norm = ops.where(constant, 0.0, ops.rsqrt(ops.where(constant, 1.0, square)))
        return ops.cast(self.scale * centered * inverse_norm, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "scale": self.scale}
