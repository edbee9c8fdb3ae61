"""The limits of small perturbations, and the worst perturbation agrees with theory."""

import numpy as np
import pytest

from tests.support.numpy_reference import softmax
from tests.support.perceptron import Perceptron
from zoo.analysis import largest_fisher_eigenvalue, limit_ratios, singular_values, theory

RNG = np.random.default_rng(6)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3))
SMALL, LARGE = 1e-3, 3.0


@pytest.fixture(scope="module")
def ratios():
    """Ratios of a nonlinear network, over many copies of its inputs for the mean over the noise."""
    network = Perceptron()
    return limit_ratios(network.tensors, np.tile(X[:5], (100, 1)), [SMALL, LARGE], num_draws=8)


def test_small_perturbations_reach_the_limits(ratios):
    assert set(ratios) == {"noise", "adversarial", "vat", "gaussian_vat"}
    for statement, (epsilons, ratio) in ratios.items():
        np.testing.assert_array_equal(epsilons, [SMALL, LARGE])
        assert abs(ratio.mean[0] - 1) < (0.1 if statement == "noise" else 0.02)
        assert abs(ratio.mean[1] - 1) > 0.2  # saturation: the network is not linear


def test_error_bars_are_those_of_the_draws(ratios):
    _, noise = ratios["noise"]
    assert noise.number == 8 and np.all(noise.standard_error > 0)
    assert abs(noise.mean[0] - 1) < 4 * noise.standard_error[0]
    assert np.all(ratios["vat"][1].standard_error == 0)


def test_one_draw_says_nothing_of_its_error(linear):
    ratios = limit_ratios(linear(W), X[:2], [1e-2], num_draws=1)
    assert np.isnan(ratios["noise"][1].standard_error).all() and np.all(ratios["vat"][1].standard_error == 0)
    with pytest.raises(ValueError, match="epsilons must be above 0, received 0.0"):
        limit_ratios(linear(W), X[:2], [0])


def test_linear_networks_are_exact_at_every_size(linear):
    ratios = limit_ratios(linear(W), np.tile(X[:5], (100, 1)), [1e-2, 100.0], output_std=0.3)
    for statement in ("adversarial", "gaussian_vat"):
        np.testing.assert_allclose(ratios[statement][1].mean, 1, rtol=1e-5)
    np.testing.assert_allclose(ratios["noise"][1].mean, 1, rtol=0.05)
    assert abs(ratios["vat"][1].mean[-1] - 1) > 0.2  # softmax is not linear


@pytest.mark.parametrize("name, statement", [("largest_fisher_eigenvalue", "vat"), ("singular_values", "adversarial")])
def test_a_wrong_limit_is_noticed(perceptron, monkeypatch, name, statement):
    right = getattr(theory, name)
    monkeypatch.setattr(theory, name, lambda *arguments: 1.1 * right(*arguments))
    assert abs(limit_ratios(perceptron.tensors, X, [SMALL])[statement][1].mean[0] - 1) > 0.05


def test_no_direction_is_worse(rng):
    """On inputs in the plane all directions can be tried, and the maxima tend to the limits."""
    network, epsilon, x = Perceptron(num_inputs=2), 1e-4, rng.normal(size=(4, 1, 2))
    angles = np.linspace(0, np.pi, 2001)
    moved = network(x + epsilon * np.stack([np.cos(angles), np.sin(angles)], axis=-1))
    p, q = softmax(network(x)), softmax(moved)
    divergences = np.sum(p * np.log(p / q), axis=-1).max(axis=1)
    distances = np.sum((network(x) - moved) ** 2, axis=-1).max(axis=1)
    fisher = largest_fisher_eigenvalue(network.tensors, x[:, 0])
    np.testing.assert_allclose(divergences, epsilon**2 / 2 * fisher, rtol=1e-2)
    largest = singular_values(network.tensors, x[:, 0])[:, 0] ** 2
    np.testing.assert_allclose(distances, epsilon**2 * largest, rtol=1e-2)
