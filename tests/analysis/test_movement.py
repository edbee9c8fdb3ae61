"""The measure R of a classifier against real movements of its inputs."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.perceptron import Perceptron
from zoo.analysis import loss_gradient, move, worst_movement_changes, worst_movements
from zoo.regularizers.math.movement_fields import FIELDS


@pytest.fixture
def linear():
    """A linear classifier of 6 × 6 images, its weights, and images that are zero at the border."""
    rng = np.random.default_rng(0)
    network = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    weights = rng.normal(size=(36, 2)).astype("float32")
    network.set_weights([weights, np.zeros(2, "float32")])
    x = np.zeros((6, 6, 6, 1), "float32")
    x[:, 1:-1, 1:-1] = rng.normal(size=(6, 4, 4, 1))
    return network, weights, x, rng.integers(0, 2, 6)


@pytest.fixture
def curved(rng):
    """A nonlinear classifier of 6 × 5 images of two channels in float64, images and labels."""
    return Perceptron(num_inputs=60), rng.normal(size=(4, 6, 5, 2)), np.arange(4) % 3


def losses(network, x, y):
    logits = network(x.reshape(len(x), -1))
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(x)), y]


def test_shift_is_the_norm_of_the_loss_change_by_shifting(linear):
    network, weights, x, y = linear
    logits = x.reshape(6, -1) @ weights
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gradient = ((p - np.eye(2)[y]) @ weights.T).reshape(6, 6, 6)
    changes = []
    for axis in (1, 2):
        slope = (np.roll(x[..., 0], -1, axis) - np.roll(x[..., 0], 1, axis)) / 2
        changes.append((gradient * slope).sum(axis=(1, 2)))
    expected = np.hypot(*changes)
    np.testing.assert_allclose(worst_movement_changes(network, x, y, ["shift"])["shift"], expected, rtol=1e-3)


def test_normalized_by_the_norm_of_the_loss_gradient(curved):
    network, x, y = curved
    norms = np.linalg.norm(ops.convert_to_numpy(loss_gradient(network.tensors, x, y)).reshape(4, -1), axis=1)
    plain, unit = (worst_movement_changes(network.tensors, x, y, normalization=n) for n in ("none", "example"))
    for field, values in plain.items():
        np.testing.assert_allclose(unit[field], values / norms, rtol=1e-6)


@pytest.mark.parametrize("field", FIELDS)
def test_the_loss_really_changes_by_that_much(curved, field):
    network, x, y = curved
    movements = worst_movements(network.tensors, x, y, field)
    assert movements.shape == (4, 6, 5, 2)
    np.testing.assert_allclose(np.mean(np.sum(movements**2, axis=-1), axis=(1, 2)), 1, rtol=1e-6)
    forth, back = (losses(network, move(x, step * movements, border="zero"), y) for step in (1e-6, -1e-6))
    expected = worst_movement_changes(network.tensors, x, y, [field])[field]
    np.testing.assert_allclose((forth - back) / 2e-6, expected, rtol=1e-3)


def test_no_other_movement_of_the_family_changes_it_more(curved, rng):
    network, x, y = curved
    worst = worst_movement_changes(network.tensors, x, y, ["shift"])["shift"]
    for angle in rng.uniform(0, 2 * np.pi, 20):
        step = 1e-6 * np.array([np.cos(angle), np.sin(angle)])
        forth, back = (losses(network, move(x, sign * step, border="zero"), y) for sign in (1, -1))
        assert np.all(np.abs(forth - back) / 2e-6 <= worst * (1 + 1e-3))


def test_larger_families_change_it_more(curved):
    network, x, y = curved
    changes = worst_movement_changes(network.tensors, x, y, FIELDS)
    assert list(changes) == list(FIELDS)
    for smaller in ("shift", "rotation", "scale"):
        assert np.all(changes[smaller] < changes["affine"])
    assert np.all(changes["shift"] < changes["smooth"])


def test_batches_do_not_matter(linear):
    network, _, x, y = linear
    whole, parts = (worst_movement_changes(network, x, y, batch_size=size) for size in (6, 3))
    assert set(whole) == {"shift", "rotation", "scale"}
    np.testing.assert_allclose(list(whole.values()), list(parts.values()), rtol=1e-5)
    whole, parts = (worst_movements(network, x, y, "affine", batch_size=size) for size in (6, 3))
    np.testing.assert_allclose(whole, parts, rtol=1e-3, atol=1e-4)


def test_signals_do_not_rotate():
    network = keras.Sequential([keras.Input((9,)), keras.layers.Dense(3)])
    changes = worst_movement_changes(network, ops.ones((4, 9)), np.zeros(4, "int32"))
    assert set(changes) == {"shift", "scale"}
    with pytest.raises(ValueError, match=r"The lattice \(9,\) has no movement of the kind"):
        worst_movements(network, np.ones((4, 9), "float32"), np.zeros(4, "int32"), "rotation")
