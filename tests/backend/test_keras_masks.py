"""Outputs of inner layers change within a context and keep the masks that Keras attaches to them."""

import keras
import numpy as np
import pytest
from keras import layers

from zoo.backend.keras_masks import attach_masks, intercepted, masks_of


@pytest.mark.parametrize("quantized", [False, True])
def test_outputs_of_an_inner_layer_are_changed_within_the_context_only(quantized):
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(4)], name="inner")
    network = keras.Sequential([keras.Input((3,)), inner, layers.Rescaling(2.0)])
    if quantized:
        inner.layers[0].quantize("int8")
    x = np.ones((1, 3), "float32")
    before = keras.ops.convert_to_numpy(network(x))
    with intercepted(inner.layers[0], lambda outputs, mask: outputs + 1):
        changed = keras.ops.convert_to_numpy(network(x))
    np.testing.assert_allclose(changed, before + 2, rtol=1e-6)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(network(x)), before)


def test_changed_outputs_keep_their_mask():
    seen = []
    embedding = layers.Embedding(5, 2, mask_zero=True)
    network = keras.Sequential([keras.Input((3,)), embedding, layers.GlobalAveragePooling1D()])
    x = np.array([[1, 2, 0]])
    embedding.set_weights([np.arange(10.0).reshape(5, 2)])

    def change(outputs, mask):
        seen.append(keras.ops.convert_to_numpy(mask))
        return outputs * 10

    with intercepted(embedding, change):
        pooled = keras.ops.convert_to_numpy(network(x))
    np.testing.assert_array_equal(seen, [[[True, True, False]]])
    np.testing.assert_allclose(pooled, [[30.0, 40.0]])


def test_masks_of_some_outputs():
    outputs = layers.Masking()(np.array([[[1.0], [0.0]], [[2.0], [2.0]]]))
    rows = attach_masks({"a": outputs[:1] + 0, "b": outputs[:1] + 1}, masks_of([outputs, np.ones(3)]))
    mask, none = masks_of(rows)
    np.testing.assert_array_equal(mask, [[True, False]])
    assert none is None
