"""Global mean pooling and the counterparts of poolings, against NumPy and against Keras's own pooling."""

import math

import keras
import numpy as np
import pytest

from zoo.layers import Broadcast2D, ScaledGlobalMean2D, Unpooling2D

X = np.random.default_rng(0).normal(size=(3, 5, 7, 2)).astype("float32")


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_global_mean_times_width_times_root_three():
    expected = X.mean(axis=(1, 2)) * 7 * np.sqrt(3)
    np.testing.assert_allclose(numbers(ScaledGlobalMean2D()(X)), expected, rtol=1e-5)


def test_broadcast_copies_to_all_positions():
    out = numbers(Broadcast2D(4, 3)(X[:, 0, 0, :]))
    assert out.shape == (3, 4, 3, 2)
    np.testing.assert_array_equal(out, np.broadcast_to(X[:, :1, :1, :], out.shape))


@pytest.mark.parametrize("size, height, width", [(2, 5, 7), (3, 6, 7), (1, 2, 2)])
def test_unpooling_copies_to_windows_and_pools_back(size, height, width):
    pooled = X[:, : math.ceil(height / size), : math.ceil(width / size)]
    out = numbers(Unpooling2D(size, height, width)(pooled))
    assert out.shape == (3, height, width, 2)
    for pooling in (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D):
        np.testing.assert_allclose(numbers(pooling(size, padding="same")(out)), pooled, rtol=1e-6)


@pytest.mark.parametrize("layer", [ScaledGlobalMean2D(), Broadcast2D(2, 3), Unpooling2D(2, 4, 3)])
def test_config_and_shapes(layer):
    inputs = X[:, :2, :2] if isinstance(layer, Unpooling2D) else X
    inputs = X[:, 0, 0] if isinstance(layer, Broadcast2D) else inputs
    restored = type(layer).from_config(layer.get_config())
    assert restored.get_config() == layer.get_config()
    assert tuple(restored(inputs).shape) == tuple(layer.compute_output_shape(inputs.shape))


def test_an_image_without_rows():
    with pytest.raises(ValueError, match="height must be at least 1, received 0"):
        Unpooling2D(3, 0, 4)
