"""FAB against the exact smallest perturbations of linear classifiers."""

import numpy as np
import pytest

from tests.analysis.attacks.closed_forms import linear_classifier, smallest_perturbations
from tests.support.numpy_reference import NORMS, sizes
from zoo.analysis import fast_adaptive_boundary, misclassified


@pytest.mark.parametrize("norm", NORMS)
def test_the_smallest_perturbation_of_a_linear_classifier(norm):
    network, w, x, y = linear_classifier()
    moved = fast_adaptive_boundary(network, x, y, 10.0, norm=norm, early_stop=False)
    assert misclassified(network, moved, y).all()
    ratios = sizes(moved - x, norm) / smallest_perturbations(w, x, y, norm)
    assert ratios.min() > 1 - 1e-9 and ratios.max() < 1.01


@pytest.mark.parametrize("norm", NORMS)
def test_only_perturbations_within_the_radius_are_returned(norm):
    network, w, x, y = linear_classifier()
    smallest = smallest_perturbations(w, x, y, norm)
    radius = float(np.median(smallest))
    moved = fast_adaptive_boundary(network, x, y, radius, norm=norm)
    np.testing.assert_array_equal(misclassified(network, moved, y), smallest < radius)
    assert sizes(moved - x, norm).max() <= radius
    np.testing.assert_array_equal(moved[smallest > radius], x[smallest > radius])


def test_the_range_lengthens_the_way():
    network, _, x, y = linear_classifier()
    free, kept = (
        fast_adaptive_boundary(network, x, y, 10.0, None, bounds, norm="linf", early_stop=False)
        for bounds in (None, (-1.0, 1.0))
    )
    assert np.abs(kept).max() <= 1
    assert np.all(sizes(kept - x, "linf") >= 0.99 * sizes(free - x, "linf"))
    assert misclassified(network, kept, y).all()


def test_one_target_reaches_the_likeliest_class():
    network, w, x, y = linear_classifier()
    z = x.reshape(len(x), -1) @ w
    second = np.argsort(-z, axis=1)[:, 1]
    normal = (w[:, second] - w[:, y]).T
    expected = (z[np.arange(len(x)), y] - z[np.arange(len(x)), second]) / np.linalg.norm(normal, axis=1)
    moved = fast_adaptive_boundary(network, x, y, 10.0, norm="l2", num_targets=1, early_stop=False)
    assert np.all(sizes(moved - x, "l2") <= 1.01 * expected)


@pytest.mark.parametrize("option", ["num_steps", "num_targets", "batch_size"])
def test_bad_input(option):
    network, _, x, y = linear_classifier()
    with pytest.raises(ValueError, match=f"{option} must be at least 1, received 0"):
        fast_adaptive_boundary(network, x, y, 0.1, norm="l2", **{option: 0})
