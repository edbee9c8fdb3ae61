"""Means over the positions of dense outputs, and masks of them."""

import numpy as np
from keras import ops

from zoo.regularizers.math.positions import expand_last, over_positions

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(3, 2, 4))


def call(function, *arrays):
    return ops.convert_to_numpy(function(*map(ops.convert_to_tensor, arrays)))


def test_means_over_positions():
    np.testing.assert_allclose(call(over_positions, VALUES), VALUES.mean(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_array_equal(call(over_positions, VALUES[:, 0, 0]), VALUES[:, 0, 0])


def test_a_mask_of_all_or_of_the_first_axes_of_positions():
    rows, every = np.array([[True, False], [False, True], [False, False]]), RNG.random(VALUES.shape) < 0.5
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
