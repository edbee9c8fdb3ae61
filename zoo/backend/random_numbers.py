"""Random numbers that stay cheap inside a compiled training step, on both backends."""

import functools
import math

import keras
import numpy as np
from keras import ops, random

from zoo.backend.replicas import num_replicas, own_rows


@functools.cache
def _tensorflow_uniform():
    import tensorflow as tf

    # XLA takes thirty times as long on a CPU for the generator that TensorFlow would choose, and knows this one, too;
    # outside XLA this one does not exist.
    @tf.function(jit_compile=True)
    def draw(shape, dtype, seed):
        return tf.random.stateless_uniform(shape, seed, dtype=dtype, alg="threefry")

    return draw


def uniform(shape, dtype, seed):
    """Uniform numbers in [0, 1).

    Args:
        shape: tuple; the number of examples may be a tensor.
        dtype: `"float32"` or `"float64"`.
        seed: `keras.random.SeedGenerator`.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_uniform()(shape, dtype, seed.next())
    return random.uniform(shape, dtype=dtype, seed=seed)


def normal(like, seed, *, per_example=True):
    """Standard normal numbers of the shape and type of `like`, `(n, ...)`.

    By the inverse error function of uniform numbers: under XLA on a CPU the cosine of the Box–Muller transform takes
    more than four times as long, long enough to show in the time of a training step.

    Args:
        like: tensor.
        seed: `keras.random.SeedGenerator`.
        per_example: whether n counts the examples of a batch, of which each device then has its own numbers.
    """
    dtype = "float64" if keras.backend.standardize_dtype(like.dtype) == "float64" else "float32"
    num_rows = ops.shape(like)[0]
    num_drawn = num_rows * num_replicas() if per_example else num_rows
    drawn = uniform((num_drawn, *ops.shape(like)[1:]), dtype, seed)
    if per_example:
        drawn = own_rows(drawn, num_rows)
    # Uniform numbers are multiples of `cell`. Its middle in place of its edge keeps them off 0, and the mean at 0.
    cell = float(np.finfo(dtype).eps)
    return ops.cast(math.sqrt(2.0) * ops.erfinv(2.0 * drawn + (cell - 1.0)), like.dtype)
