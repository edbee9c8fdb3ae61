"""Virtual adversarial training against eigenvalues of Fisher matrices, and entropy minimization."""

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

from zoo.regularizers import EntropyMinimization, VirtualAdversarialTraining, virtual_adversarial_training
from zoo.regularizers.math import per_example

RNG = np.random.default_rng(6)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3))
# On JAX, Keras takes means in single precision.
RTOL = 1e-6


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture
def check_limit(clean_pass, perceptron, fisher):
    """Compares `penalty/ε²` for small ε with the largest eigenvalue that it tends to."""

    def check(distribution):
        mlp, std = perceptron(), 0.7
        jacobian = mlp.jacobian(X)
        if distribution == "categorical":
            largest = np.linalg.eigvalsh(fisher(mlp(X), jacobian))[:, -1] / 2
        else:
            largest = np.linalg.svd(jacobian)[1][:, 0] ** 2 / (2 * std**2)
        clean = clean_pass(mlp.tensors, X)
        for epsilon in (1e-2, 1e-4):
            method = VirtualAdversarialTraining(
                epsilon, num_power_iterations=60, distribution=distribution, output_std=std
            )
            # The error is of order ε.
            np.testing.assert_allclose(values(method.penalty(clean)) / epsilon**2, largest.mean(), rtol=10 * epsilon)

    return check


@pytest.mark.parametrize("distribution", ["categorical", "gaussian"])
def test_limit_of_small_perturbations(check_limit, distribution):
    check_limit(distribution)


@pytest.mark.parametrize("name, factor", [("power_iteration", 1.1), ("power_iteration", 0.0)])
def test_limit_notices_a_perturbation_of_wrong_norm(check_limit, name, factor, monkeypatch):
    iterate = getattr(virtual_adversarial_training, name)
    monkeypatch.setattr(virtual_adversarial_training, name, lambda *arguments: factor * iterate(*arguments))
    with pytest.raises(AssertionError):
        check_limit("categorical")


def test_limit_notices_a_direction_that_is_not_the_worst(check_limit, monkeypatch):
    monkeypatch.setattr(virtual_adversarial_training, "power_iteration", lambda clean, start, *rest: start)
    with pytest.raises(AssertionError):
        check_limit("gaussian")


@pytest.mark.parametrize("epsilon", [0.1, 10.0])
def test_gaussian_outputs_of_a_linear_map_are_exact(clean_pass, linear, epsilon):
    method = VirtualAdversarialTraining(epsilon, num_power_iterations=60, distribution="gaussian", output_std=2.0)
    expected = epsilon**2 * np.linalg.svd(W)[1][0] ** 2 / (2 * 2.0**2)
    np.testing.assert_allclose(values(method.penalty(clean_pass(linear(W), X))), expected, rtol=1e-5)


def test_prediction_and_perturbation_are_constant_in_the_weights(
    clean_pass, perceptron, gradient, difference, softmax, monkeypatch
):
    mlp, method = perceptron(), VirtualAdversarialTraining(0.8)
    start = ops.convert_to_tensor(X / np.linalg.norm(X, axis=1, keepdims=True))
    # The reference needs the start direction of the penalty.
    monkeypatch.setattr(per_example, "random_direction", lambda like, seed: start)
    r = values(method.perturbation(clean_pass(mlp.tensors, X), start))

    def reference(w, target_w):
        p, q = softmax(mlp(X, target_w)), softmax(mlp(X + r, w))
        return np.mean(np.sum(p * np.log(p / q), axis=-1))

    actual = gradient(lambda w: method.penalty(clean_pass(lambda x: mlp.tensors(x, w), X)), mlp.w)
    np.testing.assert_allclose(actual, difference(lambda w: reference(w, mlp.w), mlp.w), rtol=1e-4, atol=1e-6)
    # With a variable target p(x) the gradient differs.
    assert not np.allclose(actual, difference(lambda w: reference(w, w), mlp.w), rtol=1e-2)


@pytest.mark.parametrize("options", [{"direction": "random"}, {"num_power_iterations": 0}])
def test_random_perturbations(clean_pass, linear, options):
    method = VirtualAdversarialTraining(2.5, **options)
    assert not method.needs_input_derivatives
    start = ops.convert_to_tensor(X / np.linalg.norm(X, axis=1, keepdims=True))
    clean = clean_pass(linear(W), X)
    np.testing.assert_allclose(values(method.perturbation(clean, start)), 2.5 * values(start))
    # The generator of the pass draws a new direction for every batch.
    first, second = (values(method.penalty(clean)) for _ in range(2))
    assert first != second
    assert values(method.penalty(clean_pass(linear(W), X))) == first


def test_adversarial_beats_random(clean_pass, perceptron):
    clean = clean_pass(perceptron().tensors, X)
    random, *adversarial = (
        values(VirtualAdversarialTraining(0.1, num_power_iterations=k).penalty(clean)) for k in (0, 1, 5)
    )
    assert random < adversarial[0] < adversarial[1]


def test_perturbed_inputs_stay_in_their_range(clean_pass, linear):
    seen = []

    def function(x):
        seen.append(x)
        return linear(W)(x)

    method = VirtualAdversarialTraining(9.0, input_range=(-0.5, 0.75))
    method.penalty(clean_pass(function, X))
    perturbed = values(seen[-1])
    assert perturbed.min() == -0.5 and perturbed.max() == 0.75


def test_zero_epsilon_is_no_penalty(clean_pass, perceptron, gradient):
    mlp, method = perceptron(), VirtualAdversarialTraining(0.0)
    assert values(method.penalty(clean_pass(mlp.tensors, X))) == 0
    slope = gradient(lambda w: method.penalty(clean_pass(lambda x: mlp.tensors(x, w), X)), mlp.w)
    np.testing.assert_allclose(slope, 0, atol=1e-8)


def test_labels_are_not_needed(clean_pass, linear):
    unlabeled, labeled = (
        values(VirtualAdversarialTraining(1.0).penalty(clean_pass(linear(W), X, num_labeled=n))) for n in (0, 6)
    )
    assert unlabeled == labeled > 0


def test_published_iteration_gives_the_same_penalty(clean_pass, perceptron):
    mlp = perceptron()
    exact, published = (
        values(VirtualAdversarialTraining(0.5, xi=xi).penalty(clean_pass(mlp.tensors, X))) for xi in (None, 1e-4)
    )
    np.testing.assert_allclose(published, exact, rtol=1e-3)
    assert not VirtualAdversarialTraining(0.5, xi=1e-4).needs_input_derivatives


def test_entropy_minimization(clean_pass, linear, softmax, gradient, difference):
    def reference(w):
        return scipy.stats.entropy(softmax(X @ w), axis=-1).mean()

    def penalty(w):
        return EntropyMinimization().penalty(clean_pass(lambda x: ops.matmul(x, ops.convert_to_tensor(w)), X))

    np.testing.assert_allclose(values(penalty(W)), reference(W), rtol=RTOL)
    np.testing.assert_allclose(gradient(penalty, W), difference(reference, W), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epsilon": -1}, "epsilon must be at least 0"),
        ({"xi": 0}, "xi must be above 0"),
        ({"output_std": 0}, "output_std must be above 0"),
        ({"num_power_iterations": -1}, "num_power_iterations must be at least 0"),
        ({"distribution": "gausian"}, "Did you mean 'gaussian'"),
        ({"direction": "adverserial"}, "Did you mean 'adversarial'"),
        ({"input_range": (2, 1)}, "increasing pair"),
    ],
)
def test_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        VirtualAdversarialTraining(**{"epsilon": 1.0, **options})


def test_seed_of_the_pass_decides(clean_pass, linear):
    method = VirtualAdversarialTraining(1.0, direction="random")
    a, b = (values(method.penalty(clean_pass(linear(W), X, seed=keras.random.SeedGenerator(seed)))) for seed in (1, 2))
    assert a != b
