"""Pooling layers and their counterparts, against NumPy and against each other."""

import math

import keras
import numpy as np
import pytest

from zoo.ladder.pooling import Broadcast2D, ScaledGlobalMean2D, Unpooling2D, WholeMaxPooling2D

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


@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
def test_whole_pooling_takes_every_row_and_column_into_one_window(size):
    rows, columns = (range(0, length, size) for length in X.shape[1:3])
    windows = [[X[:, i : i + size, j : j + size].max(axis=(1, 2)) for j in columns] for i in rows]
    out = numbers(WholeMaxPooling2D(size)(X))
    np.testing.assert_array_equal(out, np.array(windows).transpose(2, 0, 1, 3))


@pytest.mark.parametrize("size, height, width", [(2, 5, 7), (3, 6, 7), (3, 4, 5), (1, 2, 2)])
def test_unpooling_copies_to_windows_and_pools_back(size, height, width):
    pooled = X[:, : math.ceil(height / size), : math.ceil(width / size)]
    out = numbers(Unpooling2D(size, height, width)(pooled))
    assert out.shape == (3, height, width, 2)
    for sign in (1, -1):  # all values of a window are equal
        np.testing.assert_array_equal(sign * numbers(WholeMaxPooling2D(size)(sign * out)), pooled)


@pytest.mark.parametrize("layer", [ScaledGlobalMean2D(), Broadcast2D(2, 3), Unpooling2D(2, 4, 3), WholeMaxPooling2D(2)])
def test_config_and_shapes(layer):
    inputs = X[:, :2, :2] if isinstance(layer, Unpooling2D) else X
    inputs = X[:, 0, 0] if isinstance(layer, Broadcast2D) else inputs
    restored = type(layer).from_config(layer.get_config())
    assert restored.get_config() == layer.get_config()
    assert tuple(restored(inputs).shape) == tuple(layer.compute_output_shape(inputs.shape))


def test_window_larger_than_the_image():
    with pytest.raises(ValueError, match="height must be at least 3, received 2"):
        Unpooling2D(3, 2, 4)
