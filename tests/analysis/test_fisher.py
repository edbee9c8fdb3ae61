"""The largest Fisher eigenvalue against dense matrices."""

import numpy as np
import pytest
import scipy.special

from tests.support.perceptron import fisher_information
from zoo.analysis import fisher, largest_fisher_eigenvalue

RNG = np.random.default_rng(4)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3))


@pytest.fixture
def check(linear):
    """On softmax-linear networks: `F = W(diag p − ppᵀ)Wᵀ`."""

    def compare(**options):
        expected = np.linalg.eigvalsh(fisher_information(X @ W, np.broadcast_to(W.T, (6, 3, 5))))[:, -1]
        np.testing.assert_allclose(largest_fisher_eigenvalue(linear(W), X, **options), expected, rtol=1e-6)

    return compare


def test_softmax_linear(check):
    check(batch_size=4)
    check(num_power_iterations=200)


def test_the_comparison_notices_another_matrix(check, monkeypatch):
    monkeypatch.setattr(fisher, "fisher_root", lambda logits, jacobian, distribution: jacobian / 2)
    with pytest.raises(AssertionError):
        check()


def test_perceptron_and_lower_bounds(perceptron):
    expected = np.linalg.eigvalsh(fisher_information(perceptron(X), perceptron.jacobian(X)))[:, -1]
    np.testing.assert_allclose(largest_fisher_eigenvalue(perceptron.tensors, X), expected, rtol=1e-8)
    bounds = [largest_fisher_eigenvalue(perceptron.tensors, X, num_power_iterations=k) for k in (1, 3, 100)]
    assert np.all(bounds[0] < expected) and np.all(bounds[0] < bounds[1]) and np.all(bounds[1] <= bounds[2] + 1e-9)
    np.testing.assert_allclose(bounds[2], expected, rtol=1e-4)


@pytest.mark.parametrize("confidence", [10, 30, 60])
def test_confident_predictions_in_single_precision(linear, confidence):
    """The same matrix is a sum over pairs, `Σ_{i<j} p_i p_j (J_i − J_j)(J_i − J_j)ᵀ`, which cancels nothing."""
    b = np.array([confidence, 0, 1], "float32")
    w = W.astype("float32")
    found = largest_fisher_eigenvalue(linear(w, b), np.zeros((1, 5), "float32"))
    p = scipy.special.softmax(b.astype("float64"))
    rows = w.T.astype("float64")
    pairs = [(0, 1), (0, 2), (1, 2)]
    matrix = sum(p[i] * p[j] * np.outer(rows[i] - rows[j], rows[i] - rows[j]) for i, j in pairs)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(matrix)[-1:], rtol=1e-4)
    naive = w @ (np.diag(p.astype("float32")) - np.outer(p, p).astype("float32")) @ w.T
    if confidence > 10:  # in single precision the textbook form loses the likeliest class
        assert not np.allclose(np.linalg.eigvalsh(naive)[-1:], found, rtol=0.02, atol=0)


def test_bad_input(perceptron):
    with pytest.raises(ValueError, match="num_power_iterations must be at least 1, received 0"):
        largest_fisher_eigenvalue(perceptron.tensors, X, num_power_iterations=0)
