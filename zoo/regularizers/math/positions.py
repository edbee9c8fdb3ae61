"""Dense outputs have positions, such as pixels or words. A mask says which of them count."""

from typing import Any

from keras import ops

from zoo.backend.keras_masks import masks_of
from zoo.backend.moments import mean

Tensor = Any  # a tensor of the backend


def over_positions(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of each example over its positions, which dense outputs have.

    Args:
        values: `(n,)` or `(n, ...)`.
        mask: booleans, `True` at the positions that count, of the shape of `values` or of its first axes; or None if
            all count.

    Returns:
        `(n,)`. An example without any position that counts has 0.

    Example:
        >>> from zoo.regularizers.math.positions import over_positions
        >>> np.asarray(over_positions(np.array([[1.0, 3.0], [2.0, 2.0]])))
        array([2., 2.])
        >>> np.asarray(over_positions(np.array([[1.0, 3.0], [2.0, 2.0]]), np.array([[True, False], [False, False]])))
        array([1., 0.])
    """
    if len(values.shape) < 2:
        return values
    axes = tuple(range(1, len(values.shape)))
    if mask is None:
        return mean(values, axis=axes)
    mask = ops.broadcast_to(expand_last(mask, values), ops.shape(values))
    count = ops.sum(ops.cast(mask, values.dtype), axis=axes)
    return ops.sum(ops.where(mask, values, ops.zeros_like(values)), axis=axes) / ops.maximum(count, 1)


def expand_last(mask: Tensor, like: Tensor) -> Tensor:
    """A mask with further axes of length 1 at its end, so that it broadcasts against another tensor.

    Args:
        mask: `(n, ...)`.
        like: tensor with at least as many axes.

    Example:
        >>> from zoo.regularizers.math.positions import expand_last
        >>> expand_last(np.ones((2, 3)), np.ones((2, 3, 4))).shape.as_list()
        [2, 3, 1]
    """
    return ops.reshape(mask, (*ops.shape(mask), *[1] * (len(like.shape) - len(mask.shape))))


def position_mask(outputs: Tensor) -> Tensor | None:
    """The mask of the positions of dense outputs, which Keras's losses leave out.

    Args:
        outputs: `(n, ..., units)`.

    Returns:
        Booleans `(n, ...)`, `True` at the positions that count; None if all do.

    Example:
        >>> from zoo.regularizers.math.positions import position_mask
        >>> np.asarray(position_mask(keras.layers.Masking()(keras.ops.convert_to_tensor([[[1.0], [0.0]]]))))
        array([[ True, False]])
    """
    (mask,), positions = masks_of(outputs), ops.shape(outputs)[:-1]
    if mask is None or not 2 <= len(mask.shape) <= len(positions):
        return None
    return ops.broadcast_to(expand_last(ops.cast(mask, "bool"), outputs[..., 0]), positions)
