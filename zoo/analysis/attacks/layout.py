"""The images that an attack sees in the tensor that it moves."""

import math
from typing import Any, NamedTuple

from keras import ops

from zoo.regularizers.math.movement import is_channels_first

Tensor = Any  # a tensor of the backend, or a NumPy array


class Layout(NamedTuple):
    """The correspondence between a tensor and images.

    Attributes:
        shape: of one example of the tensor.
        size: height, width and channels of the images.
        channels_first: whether the first axis of an example has the channels.

    Example:
        >>> from zoo.analysis.attacks.layout import layout_of
        >>> layout_of((3, 28, 28), "channels_first").images(np.zeros((2, 3, 28, 28))).shape.as_list()
        [2, 28, 28, 3]
    """

    shape: tuple[int, ...]
    size: tuple[int, int, int]
    channels_first: bool

    def images(self, x: Tensor) -> Tensor:
        """The tensor `(n, *shape)` as images `(n, height, width, channels)`."""
        return ops.reshape(ops.moveaxis(x, 1, -1) if self.channels_first else x, (-1, *self.size))

    def tensor(self, images: Tensor) -> Tensor:
        """Images `(n, height, width, channels)` as the tensor `(n, *shape)`."""
        return ops.reshape(ops.moveaxis(images, -1, 1) if self.channels_first else images, (-1, *self.shape))


def layout_of(shape: tuple[int, ...], data_format: str | None = None) -> Layout:
    """The images in a tensor. What does not have the shape of an image is a line, of width 1 and with one channel.

    Args:
        shape: of one example of the tensor.
        data_format: `"channels_last"` or `"channels_first"`. None takes Keras's `image_data_format()`, and refuses
            shapes that do not look like it.

    Raises:
        ValueError: the shape contradicts the data format.

    Example:
        >>> from zoo.analysis.attacks.layout import layout_of
        >>> layout_of((28, 28, 1)).size, layout_of((100,)).size
        ((28, 28, 1), (100, 1, 1))
    """
    if len(shape) != 3:
        return Layout(shape, (math.prod(shape), 1, 1), False)
    first = is_channels_first(shape, data_format)
    height, width, channels = (*shape[1:], shape[0]) if first else shape
    return Layout(shape, (height, width, channels), first)
