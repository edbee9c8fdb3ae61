"""Random numbers that stay cheap inside a compiled training step, on both backends."""

import functools
import math
from typing import Any

import keras
import numpy as np
from keras import ops, random

from zoo.backend.replicas import num_replicas, own_rows
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend
Seed = int | keras.random.SeedGenerator | None


def as_generator(seed: Seed) -> keras.random.SeedGenerator:
    """Makes a generator of seeds from what a caller may pass as `seed`.

    Args:
        seed: an integer, a `keras.random.SeedGenerator`, or None. None draws a seed from Python's `random`, which
            `keras.utils.set_random_seed` fixes.

    Returns:
        `seed` itself if it is a generator, else a new generator. Call this outside a compiled step: a new generator has
        a variable.

    Raises:
        ValueError: `seed` is not an integer, a generator or None.

    Example:
        >>> from zoo.backend.random_numbers import as_generator
        >>> generator = as_generator(7)
        >>> as_generator(generator) is generator
        True
    """
    return seed if isinstance(seed, keras.random.SeedGenerator) else keras.random.SeedGenerator(seed)


def as_integer(seed: Seed) -> int:
    """Makes an integer seed, such as NumPy takes, from what a caller may pass as `seed`.

    Args:
        seed: as for `as_generator`; an integer must be at least 0. A generator moves on by one.

    Returns:
        `seed` itself if it is an integer, else an integer of at least 0.

    Raises:
        TypeError: `seed` is not an integer, a generator or None.
        ValueError: `seed` is negative.

    Example:
        >>> from zoo.backend.random_numbers import as_integer
        >>> as_integer(7)
        7
    """
    if not (seed is None or isinstance(seed, keras.random.SeedGenerator)):
        return int(check_number("seed", seed, 0, integer=True))
    low, high = ops.convert_to_numpy(as_generator(seed).next()).tolist()
    return (high << 32) + low


@functools.cache
def _tensorflow_uniform():
    import tensorflow as tf

    # TensorFlow's default algorithm takes XLA thirty times as long on a CPU. "threefry" exists only inside XLA.
    @tf.function(jit_compile=True)
    def draw(shape, dtype, seed):
        return tf.random.stateless_uniform(shape, seed, dtype=dtype, alg="threefry")

    return draw


def _draws_by_xla():
    """Whether TensorFlow can compile the draw: not under `tf.config.run_functions_eagerly(True)`."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.functions_run_eagerly()


def uniform(shape: tuple, dtype: str, seed: keras.random.SeedGenerator) -> Tensor:
    """Draws uniform numbers from [0, 1).

    Args:
        shape: shape of the result. The number of examples may be a tensor.
        dtype: `"float32"` or `"float64"`.
        seed: generator of seeds.

    Returns:
        A tensor of this shape and type.

    Example:
        >>> from zoo.backend.random_numbers import uniform
        >>> uniform((2, 3), "float32", keras.random.SeedGenerator(0)).shape.as_list()
        [2, 3]
    """
    if _draws_by_xla():
        return _tensorflow_uniform()(shape, dtype, seed.next())
    return random.uniform(shape, dtype=dtype, seed=seed)


def uniform_like(like: Tensor, seed: keras.random.SeedGenerator, *, per_example: bool = True) -> Tensor:
    """Draws uniform numbers from [0, 1) of the shape of a tensor. They are multiples of the machine epsilon.

    Args:
        like: tensor `(n, ...)`.
        seed: generator of seeds.
        per_example: whether n counts the examples of a batch. If so, each device draws its own numbers.

    Returns:
        A tensor of the shape of `like`, in float64 if `like` is, else in float32.

    Example:
        >>> from zoo.backend.random_numbers import uniform_like
        >>> uniform_like(keras.ops.zeros((2, 3)), keras.random.SeedGenerator(0)).shape.as_list()
        [2, 3]
    """
    dtype = "float64" if keras.backend.standardize_dtype(like.dtype) == "float64" else "float32"
    num_rows = ops.shape(like)[0]
    num_drawn = num_rows * num_replicas() if per_example else num_rows
    drawn = uniform((num_drawn, *ops.shape(like)[1:]), dtype, seed)
    return own_rows(drawn, num_rows) if per_example else drawn


def normal(like: Tensor, seed: keras.random.SeedGenerator, *, per_example: bool = True) -> Tensor:
    """Draws standard normal numbers of the shape and type of a tensor.

    The numbers are the inverse error function of uniform numbers. Under XLA on a CPU, the cosine of the Box–Muller
    transform takes more than four times as long, which shows in the time of a training step.

    Args:
        like: tensor `(n, ...)`.
        seed: generator of seeds.
        per_example: whether n counts the examples of a batch. If so, each device draws its own numbers.

    Returns:
        A tensor of the shape and type of `like`.

    Example:
        >>> from zoo.backend.random_numbers import normal
        >>> normal(keras.ops.zeros((2, 3)), keras.random.SeedGenerator(0)).shape.as_list()
        [2, 3]
    """
    # The middle of the cell of a uniform number keeps it away from 0, and the mean at 1/2.
    uniforms = uniform_like(like, seed, per_example=per_example)
    cell = float(np.finfo(keras.backend.standardize_dtype(uniforms.dtype)).eps)
    return ops.cast(math.sqrt(2.0) * ops.erfinv(2.0 * uniforms + (cell - 1.0)), like.dtype)
