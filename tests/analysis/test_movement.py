"""R of a classifier against real movements of its inputs."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.analysis import worst_movement_changes


@pytest.fixture
def linear():
    """A linear classifier of 6 × 6 images, its weights, and images that are zero at the border."""
    rng = np.random.default_rng(0)
    network = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    weights = rng.normal(size=(36, 2)).astype("float32")
    network.set_weights([weights, np.zeros(2, "float32")])
    x = np.zeros((7, 6, 6, 1), "float32")
    x[:, 1:-1, 1:-1] = rng.normal(size=(7, 4, 4, 1))
    return network, weights, x, rng.integers(0, 2, 7)


def test_shift_is_the_norm_of_the_loss_change_by_shifting(linear):
    network, weights, x, y = linear
    logits = x.reshape(7, -1) @ weights
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gradient = ((p - np.eye(2)[y]) @ weights.T).reshape(7, 6, 6)
    changes = []
    for axis in (1, 2):
        slope = (np.roll(x[..., 0], -1, axis) - np.roll(x[..., 0], 1, axis)) / 2
        changes.append((gradient * slope).sum(axis=(1, 2)))
    expected = np.hypot(*changes).mean()
    np.testing.assert_allclose(worst_movement_changes(network, x, y, ["shift"])["shift"], expected, rtol=1e-4)


def test_batches_do_not_matter(linear):
    network, _, x, y = linear
    whole, parts = (worst_movement_changes(network, x, y, batch_size=size) for size in (7, 2))
    assert set(whole) == {"shift", "rotation", "scale"}
    np.testing.assert_allclose(list(whole.values()), list(parts.values()), rtol=1e-5)


def test_signals_do_not_rotate():
    network = keras.Sequential([keras.Input((9,)), keras.layers.Dense(3)])
    changes = worst_movement_changes(network, ops.ones((4, 9)), np.zeros(4, "int32"))
    assert set(changes) == {"shift", "scale"}
