"""Balls of perturbations: the nearest point, and uniform draws."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.numpy_reference import NORMS, sizes
from zoo.regularizers.math.balls import draw_from_ball, project


@pytest.mark.parametrize("norm", NORMS)
def test_the_projection_is_the_nearest_point_of_the_ball(norm, rng):
    points, ball = rng.normal(size=(6, 3)), rng.uniform(-1, 1, size=(4000, 3))
    ball = ball[sizes(ball, norm) <= 1]
    projected = ops.convert_to_numpy(project(ops.convert_to_tensor(points), 1.0, norm))
    assert np.all(sizes(projected, norm) <= 1 + 1e-12)
    distances = np.linalg.norm(points[:, None] - ball, axis=-1).min(axis=1)
    assert np.all(np.linalg.norm(points - projected, axis=1) <= distances)
    inside = points / 4
    np.testing.assert_array_equal(project(ops.convert_to_tensor(inside), 1.0, norm), inside)


@pytest.mark.parametrize("norm", NORMS)
def test_draws_fill_the_ball(norm):
    x = ops.zeros((4000, 3), "float64")
    start = ops.convert_to_numpy(draw_from_ball(x, 2.0, norm, keras.random.SeedGenerator(0)))
    size = sizes(start, norm) / 2
    assert size.max() <= 1
    # A uniform draw has the share t³ of its points within t of the radius, in either norm.
    for t in (0.3, 0.6, 0.9):
        assert abs(np.mean(size <= t) - t**3) < 4 * np.sqrt(t**3 * (1 - t**3) / 4000)
    np.testing.assert_allclose(start.mean(axis=0), 0, atol=4 * 2 / np.sqrt(3 * 4000))


@pytest.mark.parametrize("norm", NORMS)
def test_draws_fill_the_ball_of_the_entries_that_move(norm):
    moved = np.broadcast_to([1.0, 1.0, 0.0, 0.0, 0.0], (4000, 5))
    x = ops.zeros((4000, 5), "float64")
    generator = keras.random.SeedGenerator(0)
    start = ops.convert_to_numpy(draw_from_ball(x, 2.0, norm, generator, ops.convert_to_tensor(moved)))
    assert not start[:, 2:].any()
    size = sizes(start, norm) / 2
    for t in (0.3, 0.6, 0.9):
        assert abs(np.mean(size <= t) - t**2) < 4 * np.sqrt(t**2 * (1 - t**2) / 4000)
