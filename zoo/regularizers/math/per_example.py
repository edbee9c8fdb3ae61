"""Norms, directions and means taken example by example. Axis 0 counts the examples.

Dense outputs have positions, such as pixels or words. A mask says which of them count.
"""

import math
from typing import Any

import keras
from keras import ops

from zoo.backend.keras_internals import masks_of
from zoo.backend.moments import mean
from zoo.backend.random_numbers import normal

Tensor = Any  # a tensor of the backend


def flatten(x: Tensor) -> Tensor:
    """Reshapes `(n, ...)` to `(n, entries)`. `n` may be 0.

    Args:
        x: tensor `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math import per_example
        >>> per_example.flatten(np.ones((2, 3, 4))).shape.as_list()
        [2, 12]
    """
    if None in x.shape[1:]:
        return ops.reshape(x, (ops.shape(x)[0], -1))
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def num_entries(x: Tensor) -> Any:
    """The number of entries of one example. It is a tensor if the shape of `x` is not known before the step runs.

    Args:
        x: tensor `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math import per_example
        >>> per_example.num_entries(np.ones((2, 3, 4)))
        12
    """
    return math.prod(ops.shape(x)[1:])


def expand(values: Tensor, like: Tensor) -> Tensor:
    """Reshapes `(n,)` to `(n, 1, ..., 1)`, which broadcasts against another tensor.

    Args:
        values: tensor `(n,)`.
        like: tensor `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math import per_example
        >>> per_example.expand(np.ones(2), np.ones((2, 3, 4))).shape.as_list()
        [2, 1, 1]
    """
    return ops.reshape(values, (-1,) + (1,) * (len(like.shape) - 1))


def squared_norm(x: Tensor) -> Tensor:
    """`‖x‖²` of every example.

    Args:
        x: tensor `(n, ...)`.

    Returns:
        `(n,)`.

    Example:
        >>> from zoo.regularizers.math import per_example
        >>> np.asarray(per_example.squared_norm(np.array([[3.0, 4.0], [1.0, 0.0]])))
        array([25.,  1.])
    """
    return ops.sum(ops.square(flatten(x)), axis=-1)


def normalize(x: Tensor) -> Tensor:
    """`x/‖x‖` of every example. An example that is zero stays zero.

    Each example is first divided by its largest entry. Gradients of confident networks have entries below 1e-19, whose
    squares underflow in float32.

    Args:
        x: tensor `(n, ...)`.

    Returns:
        `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math import per_example
        >>> np.asarray(per_example.normalize(np.array([[3.0, 4.0], [0.0, 0.0]])))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    largest = ops.max(ops.abs(flatten(x)), axis=-1, initial=0)  # `initial` allows a batch without examples
    scaled = x / expand(ops.where(largest > 0, largest, ops.ones_like(largest)), x)
    norm = ops.sqrt(squared_norm(scaled))
    return scaled / expand(ops.where(largest > 0, norm, ops.ones_like(norm)), x)


def root(squares: Tensor) -> Tensor:
    """The square root, with a gradient that stays finite at zero.

    Args:
        squares: tensor of values of at least 0.

    Example:
        >>> from zoo.regularizers.math import per_example
        >>> float(per_example.root(np.array(9.0)))
        3.0
    """
    return ops.sqrt(squares + 1e-30)


def random_direction(like: Tensor, seed: keras.random.SeedGenerator) -> Tensor:
    """Draws a direction from the unit sphere for every example, uniformly.

    Args:
        like: tensor `(n, ...)`.
        seed: generator of seeds.

    Returns:
        Unit vectors, `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math import per_example
        >>> direction = per_example.random_direction(np.ones((1, 5)), keras.random.SeedGenerator(0))
        >>> round(float(per_example.squared_norm(direction)[0]), 6)
        1.0
    """
    return normalize(normal(like, seed))


def over_positions(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of each example over its positions, which dense outputs have.

    Args:
        values: `(n,)` or `(n, ...)`.
        mask: booleans, `True` at the positions that count, of the shape of `values` or of its first axes; or None if
            all count.

    Returns:
        `(n,)`. An example without any position that counts has 0.

    Example:
        >>> from zoo.regularizers.math.per_example import over_positions
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
        >>> from zoo.regularizers.math.per_example import expand_last
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
        >>> from zoo.regularizers.math.per_example import position_mask
        >>> np.asarray(position_mask(keras.layers.Masking()(keras.ops.convert_to_tensor([[[1.0], [0.0]]]))))
        array([[ True, False]])
    """
    (mask,), positions = masks_of(outputs), ops.shape(outputs)[:-1]
    if mask is None or not 2 <= len(mask.shape) <= len(positions):
        return None
    return ops.broadcast_to(expand_last(ops.cast(mask, "bool"), outputs[..., 0]), positions)
