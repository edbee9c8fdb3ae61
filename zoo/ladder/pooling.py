"""Poolings of a ladder's encoder, and their counterparts in its decoder."""

import math

import keras
from keras import ops

from zoo.validation import check_number


@keras.saving.register_keras_serializable(package="zoo")
class ScaledGlobalMean2D(keras.layers.Layer):
    """The mean over an image's positions, times its width times √3.

    The mean of many positions varies less than each of them; the factor brings the variance back near that of a
    convolution's output.

    Input: `(n, height, width, channels)`. Output: `(n, channels)`.

    Source: the ladder authors' program.
    """

    def call(self, inputs):
        return ops.mean(inputs, axis=(1, 2)) * (inputs.shape[2] * math.sqrt(3))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


@keras.saving.register_keras_serializable(package="zoo")
class WholeMaxPooling2D(keras.layers.MaxPooling2D):
    """The maximum over disjoint windows from the first row and column on; the last ones may be cut short.

    Keras's padding `"valid"` leaves the remainder out, and `"same"` shares the padding out between both sides.

    Args:
        pool_size: edge of the square windows, at least 1.

    Input: `(n, height, width, channels)`. Output: `(n, ⌈height/size⌉, ⌈width/size⌉, channels)`.

    Source: the ladder authors' program.
    """

    def __init__(self, pool_size=2, **kwargs):
        super().__init__(pool_size, **kwargs)

    def call(self, inputs):
        below, right = (-length % size for length, size in zip(inputs.shape[1:3], self.pool_size, strict=True))
        widths = ((0, 0), (0, below), (0, right), (0, 0))
        return super().call(ops.pad(inputs, widths, constant_values=-math.inf) if below or right else inputs)

    def compute_output_shape(self, input_shape):
        height, width = (-(-length // size) for length, size in zip(input_shape[1:3], self.pool_size, strict=True))
        return (input_shape[0], height, width, input_shape[-1])


@keras.saving.register_keras_serializable(package="zoo")
class Broadcast2D(keras.layers.Layer):
    """Copies each channel's value to all positions of an image: the counterpart of global mean pooling.

    Args:
        height, width: of the image, at least 1.

    Input: `(n, channels)`. Output: `(n, height, width, channels)`.
    """

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height = check_number("height", height, 1, integer=True)
        self.width = check_number("width", width, 1, integer=True)

    def call(self, inputs):
        return ops.tile(inputs[:, None, None, :], (1, self.height, self.width, 1))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable(package="zoo")
class Unpooling2D(keras.layers.Layer):
    """Copies each value to the window that it was pooled from; the last windows may be cut short.

    Args:
        size: edge of the square windows, at least 1.
        height, width: of the image before pooling, at least `size`.

    Input: `(n, ⌈height/size⌉, ⌈width/size⌉, channels)`. Output: `(n, height, width, channels)`.
    """

    def __init__(self, size, height, width, **kwargs):
        super().__init__(**kwargs)
        self.size = check_number("size", size, 1, integer=True)
        self.height = check_number("height", height, size, integer=True)
        self.width = check_number("width", width, size, integer=True)

    def call(self, inputs):
        copies = ops.repeat(ops.repeat(inputs, self.size, axis=1), self.size, axis=2)
        return copies[:, : self.height, : self.width]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size, "height": self.height, "width": self.width}
