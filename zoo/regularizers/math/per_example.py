"""Norms and directions taken example by example (axis 0 counts the examples)."""

import math

from keras import ops

from zoo.backend.random_numbers import normal


def flatten(x):
    """Reshapes `(n, ...)` to `(n, entries)`."""
    if None in x.shape[1:]:
        return ops.reshape(x, (ops.shape(x)[0], -1))
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))  # of no examples, too


def expand(values, like):
    """Reshapes `(n,)` to `(n, 1, ..., 1)`, so that it broadcasts against `like` of shape `(n, ...)`."""
    return ops.reshape(values, (-1,) + (1,) * (len(like.shape) - 1))


def squared_norm(x):
    """`‖x‖²` of every example: `(n, ...) -> (n,)`."""
    return ops.sum(ops.square(flatten(x)), axis=-1)


def normalize(x):
    """`x/‖x‖` for every example; an example that is zero stays zero.

    The largest entry is divided out first: the squares of entries below 1e-19 are zero in float32, and gradients of
    confident networks are that small.
    """
    largest = ops.max(ops.abs(flatten(x)), axis=-1, initial=0)  # of no examples, too
    scaled = x / expand(ops.where(largest > 0, largest, ops.ones_like(largest)), x)
    norm = ops.sqrt(squared_norm(scaled))
    return scaled / expand(ops.where(largest > 0, norm, ops.ones_like(norm)), x)


def root(squares):
    """`sqrt(squares)` with a gradient that stays finite at zero."""
    return ops.sqrt(squares + 1e-30)


def random_direction(like, seed):
    """A direction drawn uniformly from the unit sphere for every example of `like`."""
    return normalize(normal(like, seed))
