"""The masks that Keras attaches to outputs."""

import numpy as np
from keras import layers, ops

from zoo.backend.keras_masks import attach_masks, masks_of, position_mask


def test_masks_of_some_outputs():
    outputs = layers.Masking()(np.array([[[1.0], [0.0]], [[2.0], [2.0]]]))
    rows = attach_masks({"a": outputs[:1] + 0, "b": outputs[:1] + 1}, masks_of([outputs, np.ones(3)]))
    mask, none = masks_of(rows)
    np.testing.assert_array_equal(mask, [[True, False]])
    assert none is None


def test_masks_of_positions():
    masked = layers.Masking()(np.array([[[1.0], [0.0]]]))
    np.testing.assert_array_equal(position_mask(masked), [[True, False]])
    volumes = attach_masks(ops.ones((1, 2, 3, 4)), masks_of(masked))  # a mask of the first axis of positions
    np.testing.assert_array_equal(position_mask(volumes), [[[True] * 3, [False] * 3]])
    assert position_mask(ops.ones((1, 2, 3))) is None
    assert position_mask(attach_masks(ops.ones((1, 3)), masks_of(masked))) is None  # one output for each example
