"""The masks that Keras attaches to outputs."""

import numpy as np
from keras import layers

from zoo.backend.keras_masks import attach_masks, masks_of


def test_masks_of_some_outputs():
    outputs = layers.Masking()(np.array([[[1.0], [0.0]], [[2.0], [2.0]]]))
    rows = attach_masks({"a": outputs[:1] + 0, "b": outputs[:1] + 1}, masks_of([outputs, np.ones(3)]))
    mask, none = masks_of(rows)
    np.testing.assert_array_equal(mask, [[True, False]])
    assert none is None
