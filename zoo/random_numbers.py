"""Random numbers that stay cheap inside a compiled training step, on both backends."""

import functools
import math

import keras
from keras import ops, random

from zoo.replicas import num_replicas, own_rows


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
    """Standard normal numbers of the shape and type of `like`, `(n, ...)`, whose shape is known but for n.

    By the Box–Muller transform: the inverse error function behind `keras.random.normal` takes several times as long,
    long enough to show in the time of a training step.

    Args:
        like: tensor.
        seed: `keras.random.SeedGenerator`.
        per_example: whether n counts the examples of a batch, of which each device then has its own numbers.
    """
    entries = math.prod(like.shape[1:])
    dtype = "float64" if keras.backend.standardize_dtype(like.dtype) == "float64" else "float32"
    num_rows = ops.shape(like)[0]
    num_drawn = num_rows * num_replicas() if per_example else num_rows
    drawn = uniform((2, num_drawn, (entries + 1) // 2), dtype, seed)
    first, second = ops.unstack(own_rows(drawn, num_rows, axis=1) if per_example else drawn)
    radius = ops.sqrt(-2.0 * ops.log(1.0 - first))  # 1 − u is in (0, 1]
    angle = 2.0 * math.pi * second
    pairs = ops.concatenate([radius * ops.cos(angle), radius * ops.sin(angle)], axis=-1)
    return ops.cast(ops.reshape(pairs[:, :entries], ops.shape(like)), like.dtype)
