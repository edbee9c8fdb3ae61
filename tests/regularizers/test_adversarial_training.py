"""Adversarial training against the closed forms of linear regression, and its constant noise."""

import math

import numpy as np
import pytest
from keras import ops

from zoo.regularizers import AdversarialTraining, adversarial_noise, adversarial_training

NOISES = ("gradient", "sign", "l2", "scaled_l2")
RNG = np.random.default_rng(1)
X, Y, W = RNG.normal(size=(7, 4)), RNG.normal(size=7), RNG.normal(size=(4, 1))
EPSILON = 0.3
# On JAX, Keras takes means in single precision.
RTOL = 1e-6


def values(tensor):
    return ops.convert_to_numpy(tensor)


def squared_loss(logits):
    return ops.square(logits[:, 0] - ops.convert_to_tensor(Y))


def closed_form(noise):
    """The loss at `x + ε·δ`: the residual grows by `ε·‖w‖` in the dual norm of the noise."""
    residuals = np.abs(X @ W[:, 0] - Y)
    growth = {
        "gradient": 2 * residuals * np.sum(W**2),
        "sign": np.sum(np.abs(W)),
        "l2": np.linalg.norm(W),
        "scaled_l2": math.sqrt(len(W)) * np.linalg.norm(W),
    }[noise]
    return np.mean((residuals + EPSILON * growth) ** 2)


@pytest.fixture
def check(clean_pass, linear):
    def compare(noise):
        penalty = AdversarialTraining(EPSILON, noise=noise).penalty(clean_pass(linear(W), X, squared_loss))
        np.testing.assert_allclose(values(penalty), closed_form(noise), rtol=RTOL)

    return compare


@pytest.mark.parametrize("noise", NOISES)
def test_linear_regression(check, noise):
    check(noise)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(
    "broken", [lambda g, kind: -adversarial_noise(g, kind), lambda g, kind: 0.5 * adversarial_noise(g, kind)]
)
def test_linear_regression_notices_wrong_noise(check, noise, broken, monkeypatch):
    monkeypatch.setattr(adversarial_training, "adversarial_noise", broken)
    with pytest.raises(AssertionError):
        check(noise)


@pytest.mark.parametrize("shape", [(5, 8), (5, 3, 4, 2)])
def test_norms_of_the_noise(shape, rng):
    # The gradients have very different sizes, because the noise is normalized example by example.
    g = rng.normal(size=shape) * 10.0 ** np.arange(-8, 2, 2).reshape(-1, *[1] * (len(shape) - 1))
    noise = {kind: values(adversarial_noise(ops.convert_to_tensor(g), kind)).reshape(5, -1) for kind in NOISES}
    np.testing.assert_array_equal(noise["gradient"], g.reshape(5, -1))
    np.testing.assert_array_equal(np.abs(noise["sign"]), 1)
    np.testing.assert_allclose(np.linalg.norm(noise["l2"], axis=1), 1)
    np.testing.assert_allclose(np.mean(noise["scaled_l2"] ** 2, axis=1), 1)
    for kind in NOISES:
        np.testing.assert_array_equal(np.sign(noise[kind]), np.sign(g.reshape(5, -1)))


@pytest.mark.parametrize("noise", ["gradient", "l2", "scaled_l2"])
def test_noise_is_constant_in_the_weights(noise, clean_pass, perceptron, gradient, difference):
    mlp = perceptron(num_inputs=4, num_logits=1)

    def attack(w):
        hidden = np.tanh(X @ w + mlp.b)
        g = 2 * (hidden @ mlp.v - Y[:, None]) * ((1 - hidden**2) * mlp.v[:, 0] @ w.T)
        norm = np.linalg.norm(g, axis=1, keepdims=True)
        return {"gradient": g, "l2": g / norm, "scaled_l2": math.sqrt(4) * g / norm}[noise]

    def loss(w, noise_at):
        return np.mean((mlp(X + EPSILON * attack(noise_at), w)[:, 0] - Y) ** 2)

    method = AdversarialTraining(EPSILON, noise=noise)
    actual = gradient(lambda w: method.penalty(clean_pass(lambda x: mlp.tensors(x, w), X, squared_loss)), mlp.w)
    np.testing.assert_allclose(actual, difference(lambda w: loss(w, mlp.w), mlp.w), rtol=1e-5, atol=1e-7)
    # The gradient through the attack differs.
    assert not np.allclose(actual, difference(lambda w: loss(w, w), mlp.w), rtol=1e-2)


def test_zero_epsilon_is_the_clean_loss(clean_pass, linear):
    penalty = AdversarialTraining(0.0).penalty(clean_pass(linear(W), X, squared_loss))
    np.testing.assert_allclose(values(penalty), np.mean((X @ W[:, 0] - Y) ** 2), rtol=RTOL)


def test_only_labeled_inputs_and_their_weights_count(clean_pass, linear):
    sample_weight = np.array([2.0, 0.0, 1.0])
    clean = clean_pass(
        linear(W),
        X,
        lambda logits: ops.square(logits[:, 0] - ops.convert_to_tensor(Y[:3])),
        num_labeled=3,
        sample_weight=ops.convert_to_tensor(sample_weight),
    )
    losses = (np.abs(X[:3] @ W[:, 0] - Y[:3]) + EPSILON * np.linalg.norm(W)) ** 2
    penalty = AdversarialTraining(EPSILON).penalty(clean)
    np.testing.assert_allclose(values(penalty), np.mean(sample_weight * losses), rtol=RTOL)


def test_perturbed_inputs_stay_in_their_range(clean_pass, linear):
    clean = clean_pass(linear(W), X, squared_loss)
    directions = np.sign(X @ W[:, 0] - Y)[:, None] * np.sign(W[:, 0])
    clipped = np.clip(X + 2.0 * directions, -0.5, 1.0)
    penalty = AdversarialTraining(2.0, noise="sign", input_range=(-0.5, 1)).penalty(clean)
    np.testing.assert_allclose(values(penalty), np.mean((clipped @ W[:, 0] - Y) ** 2), rtol=RTOL)


def test_arguments():
    with pytest.raises(ValueError, match="epsilon must be at least 0, received -1"):
        AdversarialTraining(-1)
    with pytest.raises(ValueError, match="Unknown noise 'l3'. Did you mean 'l2'"):
        AdversarialTraining(1, noise="l3")
    with pytest.raises(ValueError, match="increasing pair"):
        AdversarialTraining(1, input_range=(1, 0))
