"""Norms and directions taken example by example. Axis 0 counts the examples."""

import math
from typing import Any

import keras
from keras import ops

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
