"""Square: windows and their schedule, networks without gradients, and classifiers whose answer is known."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.analysis.attacks.closed_forms import linear_classifier, smallest_perturbations
from tests.support.numpy_reference import NORMS, sizes
from zoo.analysis import misclassified, projected_gradient_descent, square
from zoo.analysis.attacks.layout import layout_of
from zoo.analysis.attacks.square import HALVINGS, window_sizes
from zoo.analysis.attacks.squares import Windows, bump, first_perturbation, move_energy, recolor

RNG = np.random.default_rng(3)


def test_windows_shrink_by_half_their_area_at_the_published_queries():
    found = window_sizes(10_000, (32, 32), 0.8)
    for number, query in enumerate(HALVINGS):
        before, after = (round(np.sqrt(0.8 * 0.5 ** (number + k) * 32 * 32)) for k in (0, 1))
        assert (found[query - 1], found[query]) == (before, max(after, 1))
    np.testing.assert_array_equal(window_sizes(5000, (32, 32), 0.8), found[::2])  # rescaled
    assert window_sizes(10, (1, 1), 0.8).tolist() == [1] * 10
    assert window_sizes(1000, layout_of((100,)).size[:2], 0.5)[0] == 50


def test_bumps_by_hand():
    found = ops.convert_to_numpy(bump(*np.ogrid[:5, :5], 5, 5))
    sums = np.cumsum([1 / 9, 1 / 4, 1])
    np.testing.assert_allclose(found[2], [sums[0], sums[1], sums[2], sums[1], sums[0]], rtol=1e-6)
    np.testing.assert_allclose(found[0], 5 * [sums[0]], rtol=1e-6)
    np.testing.assert_allclose(found, found.T)


@pytest.mark.parametrize("height, width, side", [(6, 7, 3), (6, 6, 1), (9, 1, 4)])
def test_a_query_in_the_maximum_norm_sets_one_square(height, width, side):
    windows = Windows(RNG.random((50, 5 + 2), "float32"), side, height, width, 2)
    clean, x = RNG.normal(size=(2, 50, height, width, 2))
    changed = ops.convert_to_numpy(recolor(clean, x, windows, 0.5))
    inside = ops.convert_to_numpy(windows.inside(0))[..., 0]
    assert np.all(inside.sum(axis=(1, 2)) == side * min(side, width))
    np.testing.assert_array_equal(changed[~inside], x[~inside])
    np.testing.assert_allclose(np.abs(changed - clean)[inside], 0.5)


@pytest.mark.parametrize("height, width, side", [(6, 7, 3), (6, 6, 2), (9, 1, 4)])
def test_a_query_in_l2_keeps_the_norm_and_empties_the_second_window(height, width, side):
    windows = Windows(RNG.random((50, 5 + 2), "float32"), side, height, width, 2)
    clean, noise = RNG.normal(size=(2, 50, height, width, 2))
    noise *= 0.8 / sizes(noise, "l2")[:, None, None, None]
    changed = ops.convert_to_numpy(move_energy(clean, clean + noise, windows, 1.0)) - clean
    np.testing.assert_allclose(sizes(changed, "l2"), 1.0, rtol=1e-5)
    target, source = (ops.convert_to_numpy(windows.inside(which)) for which in (0, 1))
    assert np.all(np.abs(changed * (source & ~target)) < 1e-9)
    rest = ~(source | target)
    np.testing.assert_allclose(changed * rest, noise * rest, atol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(30, 12, 9, 2), (30, 40, 1, 1)])
def test_the_first_perturbation_has_the_whole_radius(norm, shape):
    found = first_perturbation(np.random.default_rng(0), shape, 0.7, norm)
    np.testing.assert_allclose(sizes(found, norm), 0.7, rtol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(4, 4, 1), (16,)])
def test_a_network_without_gradients(norm, shape):
    linear, w, x, y = linear_classifier(shape=shape)
    x = x.reshape(-1, *shape)

    def steps(x):
        return ops.round(4 * linear(x))  # its derivative is 0

    y = ops.convert_to_numpy(steps(x)).argmax(axis=-1)
    radius = 3 * float(np.median(smallest_perturbations(w, x, y, norm)))
    blind = projected_gradient_descent(steps, x, y, radius, norm=norm, random_start=False)
    np.testing.assert_allclose(blind, x)
    moved = square(steps, x, y, radius, seed=0, norm=norm, num_queries=500)
    assert misclassified(steps, moved, y).mean() > 0.8
    assert sizes(moved - x, norm).max() <= radius * (1 + 1e-6)


def test_linear_classifiers_are_fooled_in_the_maximum_norm_from_their_smallest_perturbation_on():
    network, w, x, y = linear_classifier(num_classes=5, shape=(3, 3, 1))
    smallest = smallest_perturbations(w, x, y, "linf")
    radius = float(np.median(smallest))
    moved = square(network, x, y, radius, seed=0, norm="linf", num_queries=1500)
    np.testing.assert_array_equal(misclassified(network, moved, y), smallest < radius)


def test_the_seed_decides():
    network, _, x, y = linear_classifier()
    first, again, other = (square(network, x, y, 0.05, seed, norm="l2", num_queries=20) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


@pytest.mark.parametrize("options, message", [({"num_queries": 0}, "at least 1"), ({"share": 0.0}, "above 0")])
def test_bad_input(options, message):
    network, _, x, y = linear_classifier()
    with pytest.raises(ValueError, match=message):
        square(network, x, y, 0.1, norm="l2", **options)


def test_a_network_of_any_size_is_attacked_at_one_size_after_another():
    layers = [keras.Input((None, None, 1)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    network = keras.Sequential(layers)
    network.layers[-1].set_weights([np.array([[1.0, -1.0]], "float32"), np.zeros(2, "float32")])
    for size in (4, 6):
        x = np.full((3, size, size, 1), 0.1, "float32")
        moved = square(network, x, [0, 0, 0], 0.3, seed=0, norm="linf", num_queries=200)
        assert moved.shape == x.shape and misclassified(network, moved, [0, 0, 0]).all()
        assert np.abs(moved - x).max() <= 0.3 + 1e-6
