"""The smallest step to a hyperplane within a box, against bisection in float64."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from keras import ops

from zoo.analysis.attacks.hyperplane import step_to_hyperplane

NORMS = {"linf": np.inf, "l2": 2}


def by_bisection(x, w, b, norm, low, high):
    """The smallest step from a single point, by bisection on its multiplier."""
    signs = -np.sign(b) * np.sign(w)
    room = np.where(signs > 0, high - x, x - low)
    rates = np.abs(np.sign(w)) if norm == "linf" else np.abs(w)

    def step(scale):
        return signs * np.minimum(scale * rates, room)

    below, above = 0.0, 1e6
    for _ in range(200):
        middle = (below + above) / 2
        below, above = (below, middle) if np.abs(w @ step(middle)) >= np.abs(b) else (middle, above)
    return step(above)


@pytest.mark.parametrize("norm", NORMS)
@hypothesis.given(seed=st.integers(0, 10_000), size=st.floats(0.01, 20))
def test_the_smallest_step_within_the_box(norm, seed, size):
    rng = np.random.default_rng(seed)
    x, w, b = rng.uniform(size=(5, 30)), rng.normal(size=(5, 30)), size * rng.normal(size=5)
    x[:, :10] = rng.integers(0, 2, (5, 10))  # some are at the bounds
    found = ops.convert_to_numpy(step_to_hyperplane(*map(ops.convert_to_tensor, (x, w, b)), norm, (0.0, 1.0)))
    expected = np.stack([by_bisection(*each, norm, 0.0, 1.0) for each in zip(x, w, b, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert (x + found).min() >= -1e-12 and (x + found).max() <= 1 + 1e-12


@pytest.mark.parametrize("norm", NORMS)
def test_without_a_box_it_is_the_projection(norm, rng):
    x, w, b = rng.normal(size=(6, 4)), rng.normal(size=(6, 4)), rng.normal(size=6)
    found = ops.convert_to_numpy(step_to_hyperplane(*map(ops.convert_to_tensor, (x, w, b)), norm, None))
    np.testing.assert_allclose(np.sum(w * found, axis=1), -b, rtol=1e-6)
    dual = np.abs(w).sum(axis=1) if norm == "linf" else np.linalg.norm(w, axis=1)
    np.testing.assert_allclose(np.linalg.norm(found, NORMS[norm], axis=1), np.abs(b) / dual, rtol=1e-6)


def test_extreme_gradients_neither_vanish_nor_overflow():
    x, w = np.zeros((2, 3), "float32"), np.array([[1e-30, 0, 0], [1e30, 0, 0]], "float32")
    b = np.array([1e-30, 1e30], "float32")
    found = ops.convert_to_numpy(step_to_hyperplane(*map(ops.convert_to_tensor, (x, w, b)), "l2", (-2.0, 2.0)))
    np.testing.assert_allclose(found, [[-1, 0, 0], [-1, 0, 0]], rtol=1e-5)


def test_no_gradient_is_no_step():
    x = ops.zeros((1, 3))
    np.testing.assert_array_equal(step_to_hyperplane(x, x, ops.ones(1), "linf", (0.0, 1.0)), np.zeros((1, 3)))
