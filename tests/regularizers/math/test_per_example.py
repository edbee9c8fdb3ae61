"""Norms, directions and means over positions, example by example."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.backend.keras_internals import attach_masks, masks_of
from zoo.regularizers.math import per_example
from zoo.regularizers.math.per_example import expand_last, over_positions, position_mask

X = np.random.default_rng(3).normal(size=(5, 3, 4, 2))
VALUES = np.random.default_rng(5).normal(size=(3, 2, 4))


def values(tensor):
    return ops.convert_to_numpy(tensor)


def test_squared_norm():
    expected = np.sum(X**2, axis=(1, 2, 3))
    np.testing.assert_allclose(values(per_example.squared_norm(ops.convert_to_tensor(X))), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_normalize_at_any_size(dtype, size):
    # Squares of the extreme sizes are zero or infinite in single precision.
    x = (X * size).astype(dtype)
    expected = X / np.linalg.norm(X.reshape(5, -1), axis=1).reshape(5, 1, 1, 1)
    actual = values(per_example.normalize(ops.convert_to_tensor(x)))
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_zero_stays_zero():
    x = X.copy()
    x[2] = 0
    normalized = values(per_example.normalize(ops.convert_to_tensor(x)))
    np.testing.assert_allclose(np.linalg.norm(normalized.reshape(5, -1), axis=1), [1, 1, 0, 1, 1])


def test_root(gradient):
    np.testing.assert_allclose(values(per_example.root(ops.convert_to_tensor(X**2))), np.abs(X), rtol=1e-12)
    zero = np.zeros(3, "float32")
    assert np.isfinite(gradient(lambda s: ops.sum(per_example.root(s)), zero)).all()
    # The norm has no gradient at zero. `root` gives zero there, a plain square root would give NaN.
    np.testing.assert_array_equal(gradient(lambda v: per_example.root(ops.sum(ops.square(v))), zero), 0)
    assert np.isnan(gradient(lambda v: ops.sqrt(ops.sum(ops.square(v))), zero)).all()


def test_random_directions_are_uniform_on_the_sphere():
    like = ops.zeros((20000, 3), "float32")
    drawn = values(per_example.random_direction(like, keras.random.SeedGenerator(0)))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, rtol=1e-5)
    # Mean and covariance of the uniform distribution; entries have variance 1/3 and their products at most 1/5.
    five_errors = 5 / np.sqrt(20000)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=five_errors * np.sqrt(1 / 3))
    np.testing.assert_allclose(drawn.T @ drawn / 20000, np.eye(3) / 3, atol=five_errors * np.sqrt(1 / 5))


def test_random_directions_are_fresh():
    like, seed = ops.convert_to_tensor(X), keras.random.SeedGenerator(0)
    first, second = (values(per_example.random_direction(like, seed)) for _ in range(2))
    assert first.shape == X.shape and first.dtype == X.dtype
    assert not np.allclose(first, second)
    again = values(per_example.random_direction(like, keras.random.SeedGenerator(0)))
    np.testing.assert_array_equal(first, again)


def call(function, *arrays):
    return ops.convert_to_numpy(function(*map(ops.convert_to_tensor, arrays)))


def test_means_over_positions():
    np.testing.assert_allclose(call(over_positions, VALUES), VALUES.mean(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_array_equal(call(over_positions, VALUES[:, 0, 0]), VALUES[:, 0, 0])


def test_a_mask_of_all_or_of_the_first_axes_of_positions():
    rows, every = (
        np.array([[True, False], [False, True], [False, False]]),
        np.random.default_rng(6).random(VALUES.shape) < 0.5,
    )
    found = call(over_positions, VALUES, rows)
    np.testing.assert_allclose(found, [VALUES[0, 0].mean(), VALUES[1, 1].mean(), 0], rtol=1e-12)
    expected = [each[chosen].mean() for each, chosen in zip(VALUES, every, strict=True)]
    np.testing.assert_allclose(call(over_positions, VALUES, every), expected, rtol=1e-12)


def test_infinite_values_at_masked_positions_do_not_count():
    values = np.where(np.arange(4) < 2, VALUES, np.inf)
    found = call(over_positions, values, np.broadcast_to(np.arange(4) < 2, values.shape))
    np.testing.assert_allclose(found, VALUES[..., :2].mean(axis=(1, 2)), rtol=1e-12)


def test_axes_at_the_end():
    assert call(expand_last, np.ones((3, 2)), VALUES).shape == (3, 2, 1)


def test_masks_of_positions():
    masked = layers.Masking()(np.array([[[1.0], [0.0]]]))
    np.testing.assert_array_equal(position_mask(masked), [[True, False]])
    volumes = attach_masks(ops.ones((1, 2, 3, 4)), masks_of(masked))  # a mask of the first axis of positions
    np.testing.assert_array_equal(position_mask(volumes), [[[True] * 3, [False] * 3]])
    assert position_mask(ops.ones((1, 2, 3))) is None
    assert position_mask(attach_masks(ops.ones((1, 3)), masks_of(masked))) is None  # one output for each example
