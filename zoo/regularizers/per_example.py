"""Norms, directions and noise taken example by example (axis 0 counts the examples)."""

import math

import keras
from keras import ops, random


def flatten(x):
    """Reshapes `(n, ...)` to `(n, entries)`."""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


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


def normal_noise(like, seed):
    """Standard normal noise of the shape and type of `like`, `(n, ...)`.

    By the Box–Muller transform: the inverse error function behind `keras.random.normal` takes several times as long,
    long enough to show in the time of a training step.

    Args:
        like: tensor whose shape is known but for n.
        seed: `keras.random.SeedGenerator`.
    """
    entries = math.prod(like.shape[1:])
    dtype = "float64" if keras.backend.standardize_dtype(like.dtype) == "float64" else "float32"
    uniform = random.uniform((2, ops.shape(like)[0], (entries + 1) // 2), dtype=dtype, seed=seed)
    radius = ops.sqrt(-2.0 * ops.log(1.0 - uniform[0]))  # 1 − u is in (0, 1]
    angle = 2.0 * math.pi * uniform[1]
    pairs = ops.concatenate([radius * ops.cos(angle), radius * ops.sin(angle)], axis=-1)
    return ops.cast(ops.reshape(pairs[:, :entries], ops.shape(like)), like.dtype)


def random_direction(like, seed):
    """A direction drawn uniformly from the unit sphere for every example of `like`."""
    return normalize(normal_noise(like, seed))
