"""Pooling layers of a ladder's encoder, and their counterparts in its decoder."""

import math
from typing import Any

import keras
from keras import ops

from zoo.backend.moments import mean
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class ScaledGlobalMean2D(keras.layers.Layer):
    """The mean over the positions of an image, times its width, times √3.

    The mean of many positions varies less than each of them. The factor brings the variance close to that of the output
    of a convolution.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape: `(n, height, width, channels)`. Output shape: `(n, channels)`.

    Source: the program of Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder
    networks", https://arxiv.org/abs/1507.02672.

    Example:
        >>> from zoo.ladder.pooling import ScaledGlobalMean2D
        >>> np.asarray(ScaledGlobalMean2D()(np.ones((1, 2, 2, 1)))).round(4)
        array([[3.4641]], dtype=float32)
    """

    def call(self, inputs: Tensor) -> Tensor:
        """The scaled mean."""
        return mean(inputs, axis=(1, 2)) * (inputs.shape[2] * math.sqrt(3))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape of the output."""
        return (input_shape[0], input_shape[-1])


@keras.saving.register_keras_serializable(package="zoo")
class WholeMaxPooling2D(keras.layers.MaxPooling2D):
    """The maximum over disjoint windows that start at the first row and column. The last windows may be smaller.

    Keras's padding `"valid"` drops the last rows and columns, and `"same"` pads on both sides.

    Args:
        pool_size: edge of the square windows, at least 1.
        **kwargs: arguments of `keras.layers.MaxPooling2D`.

    Input shape: `(n, height, width, channels)`. Output shape: `(n, ⌈height/size⌉, ⌈width/size⌉, channels)`.

    Source: the program of Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder
    networks", https://arxiv.org/abs/1507.02672.

    Example:
        >>> from zoo.ladder.pooling import WholeMaxPooling2D
        >>> image = np.arange(9.0).reshape(1, 3, 3, 1)
        >>> np.asarray(WholeMaxPooling2D(2)(image))[0, :, :, 0]
        array([[4., 5.],
               [7., 8.]], dtype=float32)
    """

    def __init__(self, pool_size: int = 2, **kwargs: Any):
        super().__init__(pool_size, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum over each window."""
        below, right = (-length % size for length, size in zip(inputs.shape[1:3], self.pool_size, strict=True))
        widths = ((0, 0), (0, below), (0, right), (0, 0))
        return super().call(ops.pad(inputs, widths, constant_values=-math.inf) if below or right else inputs)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape of the output."""
        height, width = (-(-length // size) for length, size in zip(input_shape[1:3], self.pool_size, strict=True))
        return (input_shape[0], height, width, input_shape[-1])


@keras.saving.register_keras_serializable(package="zoo")
class Broadcast2D(keras.layers.Layer):
    """Copies the value of each channel to all positions of an image. It is the counterpart of global mean pooling.

    Args:
        height: height of the image, at least 1.
        width: width of the image, at least 1.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape: `(n, channels)`. Output shape: `(n, height, width, channels)`.

    Raises:
        TypeError: a length is not an integer.
        ValueError: a length is below 1.

    Example:
        >>> from zoo.ladder.pooling import Broadcast2D
        >>> Broadcast2D(2, 3)(np.ones((1, 4))).shape.as_list()
        [1, 2, 3, 4]
    """

    def __init__(self, height: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.height = check_number("height", height, 1, integer=True)
        self.width = check_number("width", width, 1, integer=True)

    def call(self, inputs: Tensor) -> Tensor:
        """Copies each value."""
        return ops.tile(inputs[:, None, None, :], (1, self.height, self.width, 1))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape of the output."""
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable(package="zoo")
class Unpooling2D(keras.layers.Layer):
    """Copies each value to the window that it was pooled from. The last windows may be smaller.

    Args:
        size: edge of the square windows, at least 1.
        height: height of the image before pooling, at least `size`.
        width: width of the image before pooling, at least `size`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape: `(n, ⌈height/size⌉, ⌈width/size⌉, channels)`. Output shape: `(n, height, width, channels)`.

    Raises:
        TypeError: a length is not an integer.
        ValueError: a length is too small.

    Example:
        >>> from zoo.ladder.pooling import Unpooling2D
        >>> Unpooling2D(2, 3, 3)(np.ones((1, 2, 2, 4))).shape.as_list()
        [1, 3, 3, 4]
    """

    def __init__(self, size: int, height: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = check_number("size", size, 1, integer=True)
        self.height = check_number("height", height, size, integer=True)
        self.width = check_number("width", width, size, integer=True)

    def call(self, inputs: Tensor) -> Tensor:
        """Copies each value."""
        copies = ops.repeat(ops.repeat(inputs, self.size, axis=1), self.size, axis=2)
        return copies[:, : self.height, : self.width]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The shape of the output."""
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "size": self.size, "height": self.height, "width": self.width}
