"""Penalties as measures equal those of training, example by example."""

import numpy as np
import pytest

from tests.support.perceptron import fisher_information
from zoo.analysis import local_distributional_smoothness, penalty_values
from zoo.regularizers import (
    AdversarialTraining,
    EntropyMinimization,
    JacobianPenalty,
    NormConstraint,
    Smoothness,
    VirtualAdversarialTraining,
)

RNG = np.random.default_rng(5)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3))
METHODS = [
    AdversarialTraining(0.3),
    EntropyMinimization(),
    JacobianPenalty(),
    # ε is so small that the sign of the direction does not matter.
    Smoothness(1e-4, direction="adversarial", divergence="kl", num_power_iterations=30),
    VirtualAdversarialTraining(1e-4, num_power_iterations=30),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.metric_name)
def test_every_example_has_its_own(perceptron, method):
    """The mean over a batch of one example is its value."""
    labels = np.arange(6) % 3
    together = penalty_values(perceptron.tensors, X, method, labels)
    assert together.shape == (6,) and len(np.unique(together)) == 6
    alone = [penalty_values(perceptron.tensors, X[i : i + 1], method, labels[i : i + 1])[0] for i in range(3)]
    np.testing.assert_allclose(together[:3], alone, rtol=1e-2)


def test_adversarial_smoothness_of_a_linear_network(linear):
    method = Smoothness(0.4, direction="adversarial", num_power_iterations=60)
    expected = 0.4**2 * np.linalg.svd(W, compute_uv=False)[0] ** 2
    np.testing.assert_allclose(penalty_values(linear(W), X, method), expected, rtol=1e-5)


def test_seed_decides_and_batches_differ(linear):
    x = np.zeros((6, 5))
    first, again, other = (penalty_values(linear(W), x, Smoothness(0.4), seed=s, batch_size=2) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert len(np.unique([*first, *other])) == 12


def test_local_distributional_smoothness(perceptron):
    largest = np.linalg.eigvalsh(fisher_information(perceptron(X), perceptron.jacobian(X)))[:, -1]
    lds = local_distributional_smoothness(perceptron.tensors, X, 1e-3, num_power_iterations=60)
    np.testing.assert_allclose(lds, 1e-6 / 2 * largest, rtol=1e-2)
    blunt = local_distributional_smoothness(perceptron.tensors, X, 1e-3, num_power_iterations=0)
    assert np.all(blunt < lds)


def test_labels_are_asked_for(perceptron):
    with pytest.raises(ValueError, match="needs labels"):
        penalty_values(perceptron.tensors, X, AdversarialTraining(0.3))


@pytest.mark.parametrize("method", [VirtualAdversarialTraining(1.0) + EntropyMinimization(), NormConstraint(1.0)])
def test_a_penalty_without_examples_is_refused(method):
    with pytest.raises(TypeError, match="penalty of each example, received"):
        penalty_values(lambda x: x, X, method)
