"""Projected ascent on linear functions, whose highest point in a ball is known, and its bounds."""

import numpy as np
import pytest
from keras import ops

from zoo.regularizers.math.projected_ascent import projected_ascent, step_length

NORMS = {"linf": np.inf, "l2": 2}
EPSILON = 0.4


@pytest.fixture
def points(rng):
    return rng.uniform(-1, 1, size=(7, 5)), rng.normal(size=(7, 5))


def ascend(center, gradient, norm, start=None, **options):
    """`projected_ascent` of NumPy arrays."""
    center, start = (ops.convert_to_tensor(center if each is None else each) for each in (center, start))
    options = {"epsilon": EPSILON, "num_steps": 20, "step_size": 0.05, **options}
    return ops.convert_to_numpy(projected_ascent(gradient, start, center, norm=norm, **options))


@pytest.mark.parametrize("norm", NORMS)
def test_the_highest_point_of_a_linear_function(norm, points):
    x, g = points
    steepest = np.sign(g) if norm == "linf" else g / np.linalg.norm(g, axis=1, keepdims=True)
    reached = ascend(x, lambda _: ops.convert_to_tensor(g), norm)
    np.testing.assert_allclose(reached, x + EPSILON * steepest, rtol=1e-9)
    short = ascend(x, lambda _: ops.convert_to_tensor(g), norm, num_steps=3)
    np.testing.assert_allclose(short, x + 0.15 * steepest, rtol=1e-9)  # three steps do not reach the border


@pytest.mark.parametrize("norm", NORMS)
def test_a_maximum_inside_the_ball_is_reached(norm, points):
    x, shift = points
    top = x + EPSILON * shift / (2 * np.linalg.norm(shift, axis=1, keepdims=True))
    reached = ascend(x, lambda z: ops.convert_to_tensor(top) - z, norm, num_steps=250, step_size=1e-3)
    np.testing.assert_allclose(reached, top, atol=2e-3)


@pytest.mark.parametrize("norm", NORMS)
def test_never_outside_ball_and_range(norm, points, rng):
    x, g = points
    x = np.clip(x, -0.8, 0.8)
    start = np.clip(x + EPSILON * g / np.linalg.norm(g, NORMS[norm], axis=1, keepdims=True), -0.8, 0.8)
    seen = []

    def gradient(z):
        seen.append(ops.convert_to_numpy(z))
        return ops.convert_to_tensor(rng.normal(size=z.shape))

    seen.append(ascend(x, gradient, norm, start, step_size=0.3, input_range=(-0.8, 0.8)))
    assert len(seen) == 21
    for each in seen:
        assert np.linalg.norm(each - x, NORMS[norm], axis=1).max() <= EPSILON * (1 + 1e-12)
        assert np.abs(each).max() <= 0.8
    wide = ascend(x, gradient, norm, start, step_size=0.3)
    assert np.abs(wide).max() > 0.8  # the range matters


def test_no_gradient_is_no_movement(points):
    x, _ = points
    for norm in NORMS:
        np.testing.assert_array_equal(ascend(x, ops.zeros_like, norm), x)


def test_the_default_step_reaches_the_border_and_no_single_step_leaves_the_ball():
    assert [step_length(None, 0.2, n) / 0.2 for n in (1, 2, 5, 25)] == pytest.approx([1.0, 1.0, 0.5, 0.1])
    assert step_length(0.0, 0.2, 3) == 0.0
    with pytest.raises(ValueError, match="step_size must be at least 0, received -1"):
        step_length(-1, 0.2, 3)
