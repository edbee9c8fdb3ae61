"""The distribution and the repetition of random numbers, which are the same inside and outside XLA."""

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

from zoo.backend import random_numbers
from zoo.backend.random_numbers import as_generator, as_integer, normal


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("shape", [(4000, 5), (1000, 2, 3, 3), (3000, 1)])
def test_noise_is_standard_normal_and_independent(shape):
    like = ops.zeros(shape)
    noise = values(normal(like, keras.random.SeedGenerator(0)))
    assert noise.shape == shape and scipy.stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    entries = noise.reshape(len(noise), -1)
    correlations = np.corrcoef(np.concatenate([entries, entries**2], axis=1).T)
    own = np.kron(np.ones((2, 2)), np.eye(entries.shape[1])) > 0  # an entry and its own square
    assert np.max(np.abs(correlations[~own]), initial=0.0) < 5 / np.sqrt(len(noise))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_the_quantile_of_uniform_numbers_from_the_first_to_the_last(dtype, monkeypatch):
    cell = np.finfo(dtype).eps
    uniform = np.asarray([[0.0, cell, 0.1, 0.5, 0.75, 1.0 - cell]], dtype)
    monkeypatch.setattr(random_numbers, "uniform", lambda shape, dtype, seed: ops.convert_to_tensor(uniform))
    noise = values(normal(ops.zeros(uniform.shape, dtype), None))
    np.testing.assert_allclose(noise, scipy.stats.norm.ppf(uniform + cell / 2.0), rtol=1e-5)
    assert noise[0, 0] == -noise[0, -1]


def test_noise_repeats_with_its_seed_and_keeps_the_type():
    like = ops.zeros((3, 4), "float16")
    first, second, other = (values(normal(like, keras.random.SeedGenerator(seed))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == "float16" and np.any(first != other)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX always compiles by XLA")
@pytest.mark.parametrize("batch_size", [3, None])
def test_the_same_numbers_in_every_kind_of_step(batch_size):
    import tensorflow as tf

    like, signature = tf.zeros((3, 5)), [tf.TensorSpec((batch_size, 5))]
    expected = values(normal(like, keras.random.SeedGenerator(7)))
    for jit_compile in (False, True):
        seed = keras.random.SeedGenerator(7)
        step = tf.function(lambda like, seed=seed: normal(like, seed), signature, jit_compile=jit_compile)
        np.testing.assert_allclose(values(step(like)), expected, rtol=1e-5, atol=1e-6)


def test_seeds_become_generators():
    generator = keras.random.SeedGenerator(7)
    assert as_generator(generator) is generator
    like = ops.zeros((3, 4))
    np.testing.assert_array_equal(values(normal(like, as_generator(7))), values(normal(like, generator)))
    assert np.any(values(normal(like, as_generator(None))) != values(normal(like, as_generator(None))))


def test_seeds_become_integers():
    assert as_integer(7) == 7 and type(as_integer(np.int64(7))) is int
    first, again = (keras.random.SeedGenerator(7) for _ in range(2))
    drawn = [as_integer(first) for _ in range(3)]
    assert len(set(drawn)) == 3 and drawn == [as_integer(again) for _ in range(3)]
    assert min(drawn) >= 0 and as_integer(None) != as_integer(None)


@pytest.mark.parametrize("seed", ["7", 0.5])
def test_other_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        as_generator(seed)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a setting of TensorFlow")
def test_noise_without_compiled_functions():
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        first, second = (values(normal(ops.zeros((4000, 5)), keras.random.SeedGenerator(seed))) for seed in (1, 1))
    finally:
        tf.config.run_functions_eagerly(False)
    assert scipy.stats.kstest(first.ravel(), "norm").pvalue > 0.01
    np.testing.assert_array_equal(first, second)
