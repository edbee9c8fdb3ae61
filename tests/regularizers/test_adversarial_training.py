"""Adversarial training against the closed forms of linear regression, and its constant noise."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from zoo.analysis import projected_gradient_descent
from zoo.regularizers import AdversarialTraining, adversarial_noise, ball_attack

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
    monkeypatch.setattr(ball_attack, "adversarial_noise", broken)
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


@pytest.fixture
def classifier(perceptron):
    """A perceptron with its labels and cross-entropies."""
    mlp, y = perceptron(num_inputs=4), np.arange(7) % 3

    def losses(logits):
        return keras.losses.sparse_categorical_crossentropy(ops.convert_to_tensor(y), logits, from_logits=True)

    return mlp, y, losses


@pytest.mark.parametrize("norm, noise", [("l2", "l2"), ("linf", "sign"), (None, "l2")])
@pytest.mark.parametrize("input_range", [None, (-0.5, 1.0)])
def test_one_step_in_a_norm_is_the_noise_of_that_name(norm, noise, input_range, clean_pass, classifier):
    mlp, _, losses = classifier
    clean = clean_pass(mlp.tensors, X, losses)
    expected = X + EPSILON * values(adversarial_noise(clean.loss_gradient, noise))
    expected = expected if input_range is None else np.clip(expected, *input_range)
    for options in ({"norm": norm}, {"noise": noise}):
        method = AdversarialTraining(EPSILON, input_range=input_range, **options)
        np.testing.assert_array_equal(values(method.perturbed_inputs(clean)), expected)
        np.testing.assert_array_equal(
            values(method.per_example(clean)), values(losses(mlp.tensors(ops.convert_to_tensor(expected))))
        )


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("num_steps", [3, 10])
def test_several_steps_are_the_attack_of_the_analysis(norm, num_steps, clean_pass, classifier):
    mlp, y, losses = classifier
    options = {"norm": norm, "num_steps": num_steps, "random_start": False, "input_range": (-1.5, 1.5)}
    x = np.clip(X, -1.5, 1.5)
    method = AdversarialTraining(EPSILON, **options)
    expected = values(projected_gradient_descent(mlp.tensors, x, y, EPSILON, **options))
    np.testing.assert_allclose(values(method.perturbed_inputs(clean_pass(mlp.tensors, x, losses))), expected, rtol=1e-9)
    one = AdversarialTraining(EPSILON, norm=norm, input_range=(-1.5, 1.5))
    assert np.abs(values(one.perturbed_inputs(clean_pass(mlp.tensors, x, losses))) - expected).max() > 1e-3


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_random_starts_fill_the_ball_and_attacks_stay_in_it(norm, clean_pass, classifier):
    mlp, _, losses = classifier
    clean, order = clean_pass(mlp.tensors, X, losses), {"linf": np.inf, "l2": 2}[norm]
    drawn = [
        values(AdversarialTraining(0.4, norm=norm, step_size=step, random_start=True).perturbed_inputs(clean))
        for step in (0.0, 0.0, 5.0)
    ]
    sizes = [np.linalg.norm(each - X, order, axis=1) for each in drawn]
    assert np.all(sizes[0] < 0.4) and np.all(sizes[0] != sizes[1])
    np.testing.assert_allclose(sizes[2], 0.4, rtol=1e-9)  # a long step ends at the border


@pytest.mark.parametrize("options", [{"norm": "linf", "num_steps": 3}, {"random_start": True}])
def test_iterated_attacks_are_constant_in_the_weights(options, clean_pass, classifier, gradient, difference):
    mlp, y, losses = classifier
    method = AdversarialTraining(EPSILON, **options)
    worst = values(method.perturbed_inputs(clean_pass(mlp.tensors, X, losses)))

    def reference(w):
        logits = mlp(worst, w)
        return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(7), y])

    actual = gradient(lambda w: method.penalty(clean_pass(lambda x: mlp.tensors(x, w), X, losses)), mlp.w)
    np.testing.assert_allclose(actual, difference(reference, mlp.w), rtol=1e-4, atol=1e-6)


def test_only_attacks_from_the_input_need_the_linearization_of_the_clean_pass():
    assert AdversarialTraining(1.0, num_steps=5).needs_input_derivatives
    assert not AdversarialTraining(1.0, random_start=True).needs_input_derivatives


def test_unknown_noise():
    with pytest.raises(ValueError, match="Unknown noise 'l3'. Did you mean 'l2'"):
        AdversarialTraining(1, noise="l3")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"noise": "sign", "norm": "linf"}, "norm must be None, received 'linf'"),
        ({"noise": "gradient", "num_steps": 2}, "num_steps must be 1, received 2"),
        ({"noise": "l2", "step_size": 0.1}, "step_size must be None, received 0.1"),
        ({"noise": "scaled_l2", "random_start": True}, "random_start must be False, received True"),
    ],
)
def test_noise_takes_one_step(options, message):
    with pytest.raises(ValueError, match=message):
        AdversarialTraining(1.0, **options)
