"""Smoothness and Jacobian penalties against norms and singular values of Jacobians."""

import numpy as np
import pytest
from keras import ops

from zoo.regularizers import JacobianPenalty, Smoothness, smoothness
from zoo.regularizers.math import per_example

RNG = np.random.default_rng(10)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3))
EPSILON = 0.4
NUM_SAMPLES = 40000
# On JAX, Keras takes means in single precision.
RTOL = 1e-6


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture
def check_noise(clean_pass, linear):
    """`E‖Δx·W‖² = ε²·‖W‖_F²`; one sample has the variance `2ε⁴·‖WᵀW‖_F²`."""

    def check(method):
        clean = clean_pass(linear(W), np.zeros((NUM_SAMPLES, 5)))
        error = EPSILON**2 * np.linalg.norm(W.T @ W) * np.sqrt(2 / NUM_SAMPLES)
        np.testing.assert_allclose(values(method.penalty(clean)), EPSILON**2 * np.sum(W**2), rtol=0, atol=4 * error)

    return check


def test_noise_on_a_linear_map(check_noise):
    check_noise(Smoothness(EPSILON))


@pytest.mark.parametrize("factor", [1.05, 0.5])
def test_noise_check_notices_a_wrong_size(check_noise, factor):
    with pytest.raises(AssertionError):
        check_noise(Smoothness(factor * EPSILON))


@pytest.fixture
def check_adversarial(clean_pass, linear):
    def check(method):
        expected = EPSILON**2 * np.linalg.svd(W)[1][0] ** 2
        np.testing.assert_allclose(values(method.penalty(clean_pass(linear(W), X))), expected, rtol=1e-5)

    return check


def test_adversarial_noise_on_a_linear_map(check_adversarial):
    check_adversarial(Smoothness(EPSILON, direction="adversarial", num_power_iterations=60))


def test_adversarial_check_notices_another_direction(check_adversarial, monkeypatch):
    monkeypatch.setattr(smoothness, "power_iteration", lambda clean, start, *rest: start)
    with pytest.raises(AssertionError):
        check_adversarial(Smoothness(EPSILON, direction="adversarial", num_power_iterations=60))


def test_limits_of_small_perturbations(clean_pass, perceptron, fisher):
    mlp, epsilon = perceptron(), 1e-4
    jacobian, clean = mlp.jacobian(X), clean_pass(mlp.tensors, X)
    expected = {
        "squared": np.linalg.svd(jacobian)[1][:, 0] ** 2,
        "kl": np.linalg.eigvalsh(fisher(mlp(X), jacobian))[:, -1] / 2,
    }
    for divergence, largest in expected.items():
        method = Smoothness(epsilon, direction="adversarial", divergence=divergence, num_power_iterations=60)
        np.testing.assert_allclose(values(method.penalty(clean)) / epsilon**2, largest.mean(), rtol=1e-3)


def test_limit_of_the_random_divergence(clean_pass, perceptron, fisher):
    mlp, epsilon, x = perceptron(), 1e-3, np.tile(X[:1], (NUM_SAMPLES, 1))
    matrix = fisher(mlp(X[:1]), mlp.jacobian(X[:1]))[0]
    penalty = values(Smoothness(epsilon, divergence="kl").penalty(clean_pass(mlp.tensors, x))) / epsilon**2
    error = np.linalg.norm(matrix) / np.sqrt(2 * NUM_SAMPLES)
    np.testing.assert_allclose(penalty, np.trace(matrix) / 2, rtol=0, atol=4 * error)


@pytest.mark.parametrize("divergence", ["squared", "kl"])
def test_both_predictions_are_variable(
    clean_pass, perceptron, gradient, difference, softmax, divergence, monkeypatch, rng
):
    mlp, noise = perceptron(), rng.normal(size=X.shape) / 5
    monkeypatch.setattr(Smoothness, "perturbation", lambda self, clean: ops.convert_to_tensor(noise))

    def reference(w, clean_w):
        clean, moved = mlp(X, clean_w), mlp(X + noise, w)
        if divergence == "squared":
            return np.mean(np.sum((clean - moved) ** 2, axis=-1))
        p, q = softmax(clean), softmax(moved)
        return np.mean(np.sum(p * np.log(p / q), axis=-1))

    method = Smoothness(EPSILON, divergence=divergence)
    actual = gradient(lambda w: method.penalty(clean_pass(lambda x: mlp.tensors(x, w), X)), mlp.w)
    np.testing.assert_allclose(actual, difference(lambda w: reference(w, w), mlp.w), rtol=1e-5, atol=1e-6)
    assert not np.allclose(actual, difference(lambda w: reference(w, mlp.w), mlp.w), rtol=1e-2)


def test_adversarial_perturbation_is_constant(clean_pass, gradient):
    """On a linear map the worst direction is the first singular vector, and `d(ε²σ²)/dW = 2ε²σ·u vᵀ`."""
    u, sizes, v = np.linalg.svd(W)
    method = Smoothness(EPSILON, direction="adversarial", num_power_iterations=60)
    actual = gradient(lambda w: method.penalty(clean_pass(lambda x: ops.matmul(x, w), X)), W)
    np.testing.assert_allclose(actual, 2 * EPSILON**2 * sizes[0] * np.outer(u[:, 0], v[0]), rtol=1e-3, atol=1e-5)


def test_jacobian(clean_pass, linear, perceptron):
    penalty = JacobianPenalty().penalty(clean_pass(linear(W), X))
    np.testing.assert_allclose(values(penalty), np.sum(W**2), rtol=RTOL)
    mlp = perceptron()
    penalty = JacobianPenalty().penalty(clean_pass(mlp.tensors, X))
    np.testing.assert_allclose(values(penalty), np.mean(np.sum(mlp.jacobian(X) ** 2, axis=(1, 2))), rtol=RTOL)


def test_gradient_of_the_jacobian_penalty(clean_pass, gradient):
    actual = gradient(lambda w: JacobianPenalty().penalty(clean_pass(lambda x: ops.matmul(x, w), X)), W)
    np.testing.assert_allclose(actual, 2 * W, rtol=RTOL)


@pytest.fixture
def check_projections(clean_pass, linear, rng):
    """`k·‖Wv‖²` over uniform unit vectors v. NumPy samples give its spread."""
    v = rng.normal(size=(NUM_SAMPLES, 3))
    samples = 3 * np.sum((v @ W.T) ** 2, axis=1) / np.sum(v**2, axis=1)

    def check(num_projections):
        error = samples.std() / np.sqrt(NUM_SAMPLES * num_projections)
        clean = clean_pass(linear(W), np.zeros((NUM_SAMPLES, 5)))
        penalty = values(JacobianPenalty(num_projections=num_projections).penalty(clean))
        np.testing.assert_allclose(penalty, np.sum(W**2), rtol=0, atol=4 * error)

    return check


@pytest.mark.parametrize("num_projections", [1, 2])
def test_projections_are_unbiased(check_projections, num_projections):
    check_projections(num_projections)


def test_projection_check_notices_vectors_of_wrong_norm(check_projections, monkeypatch):
    draw = per_example.random_direction
    monkeypatch.setattr(per_example, "random_direction", lambda like, seed: 1.05 * draw(like, seed))
    with pytest.raises(AssertionError):
        check_projections(1)


def test_need_of_derivatives():
    assert not Smoothness(1.0).needs_input_derivatives
    assert not Smoothness(1.0, direction="adversarial", num_power_iterations=0).needs_input_derivatives
    assert Smoothness(1.0, direction="adversarial").needs_input_derivatives
    assert JacobianPenalty().needs_input_derivatives


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epsilon": -1}, "epsilon must be at least 0"),
        ({"direction": "adversary"}, "Did you mean 'adversarial'"),
        ({"divergence": "square"}, "Did you mean 'squared'"),
        ({"num_power_iterations": -1}, "num_power_iterations must be at least 0"),
    ],
)
def test_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        Smoothness(**{"epsilon": 1.0, **options})
    with pytest.raises(ValueError, match="num_projections must be at least 1, received 0"):
        JacobianPenalty(num_projections=0)
