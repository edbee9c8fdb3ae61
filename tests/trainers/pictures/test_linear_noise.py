"""Noise on linear regression against its closed forms."""

import numpy as np
import pytest

from trainers.pictures import linear_noise
from trainers.pictures.linear_noise import BIAS, EPSILONS, THRESHOLD, WEIGHTS, corrupted, costs, two_classes

RNG = np.random.default_rng(1)
W, B, EPSILON = RNG.normal(size=20), RNG.normal(size=20), 0.3


def test_gradient_noise_multiplies_the_error():
    """With `x' = x + ε·(wx + b − t)·w` the error is `(1 + εw²)` times as large."""
    clean = 0.5 * (W + B - 1) ** 2
    np.testing.assert_allclose(costs(W, B, None), clean, rtol=1e-12)
    np.testing.assert_allclose(costs(W, B, "gradient", EPSILON), clean * (1 + EPSILON * W**2) ** 2, rtol=1e-6)


@pytest.mark.parametrize("kind", ["sign", "l2"])
def test_noise_of_one_length_adds_to_the_error(kind):
    """In one dimension both kinds move x by ε, so the error grows by `ε|w|`."""
    np.testing.assert_allclose(costs(W, B, kind, EPSILON), 0.5 * (abs(W + B - 1) + EPSILON * abs(W)) ** 2, rtol=1e-6)


@pytest.mark.parametrize("kind", EPSILONS)
def test_noise_in_the_plane_raises_the_cost(kind):
    points, targets = two_classes()
    moved = corrupted(points, targets, kind, EPSILONS[kind], WEIGHTS, BIAS)
    before, after = ((each @ WEIGHTS + BIAS - targets) ** 2 for each in (points, moved))
    assert (after > before).all()
    lengths = np.linalg.norm(moved - points, axis=1)
    if kind == "gradient":
        assert np.argmax(lengths) == np.argmax(before) and np.argmin(lengths) == np.argmin(before)
    else:
        np.testing.assert_allclose(lengths, EPSILONS[kind] * (np.sqrt(2) if kind == "sign" else 1), rtol=1e-6)


def test_what_the_picture_says_of_its_points():
    """The threshold separates the classes, and all noise points away from it."""
    points, targets = two_classes()
    outputs = points @ WEIGHTS + BIAS
    np.testing.assert_array_equal(outputs > THRESHOLD, targets == 1)
    for kind, epsilon in EPSILONS.items():
        moved = corrupted(points, targets, kind, epsilon, WEIGHTS, BIAS) @ WEIGHTS + BIAS
        assert (abs(moved - THRESHOLD) > abs(outputs - THRESHOLD)).all()
    picture = linear_noise.draw_noise_kinds(None)
    titles = [ax.get_title() for ax in picture.figure.axes]
    assert titles[1:] == [f"{kind}, ε = {epsilon:g}" for kind, epsilon in EPSILONS.items()]
    assert "All arrows point away from the line" in picture.alt


def test_sign_noise_raises_the_floor_of_the_valley():
    """Next to the line where the clean cost is 0, it costs `½ε²w²`."""
    w = np.linspace(-2, 2, 9)
    np.testing.assert_allclose(costs(w, 1 - w + 1e-7, "sign", EPSILON), 0.5 * (EPSILON * w) ** 2, atol=1e-6)
    assert linear_noise.draw_noisy_costs(None).figure.axes[0].get_title() == "no noise"
