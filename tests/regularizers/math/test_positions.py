"""Means over the positions of dense outputs, and masks of them."""

import numpy as np
from keras import layers, ops

from zoo.backend.keras_masks import attach_masks, masks_of
from zoo.regularizers.math.positions import expand_last, over_positions, position_mask

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


def test_masks_of_positions():
    masked = layers.Masking()(np.array([[[1.0], [0.0]]]))
    np.testing.assert_array_equal(position_mask(masked), [[True, False]])
    volumes = attach_masks(ops.ones((1, 2, 3, 4)), masks_of(masked))  # a mask of the first axis of positions
    np.testing.assert_array_equal(position_mask(volumes), [[[True] * 3, [False] * 3]])
    assert position_mask(ops.ones((1, 2, 3))) is None
    assert position_mask(attach_masks(ops.ones((1, 3)), masks_of(masked))) is None  # one output for each example
