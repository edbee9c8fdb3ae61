"""The Jacobian, its norm and its spectrum against matrices, finite differences and NumPy's SVD."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.analysis import jacobian, largest_fisher_eigenvalue, singular_values, squared_frobenius_norm

RNG = np.random.default_rng(3)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3))


def test_of_a_linear_network_it_is_the_matrix(linear):
    np.testing.assert_allclose(jacobian(linear(W, 0.3), X), np.broadcast_to(W.T, (6, 3, 5)), rtol=1e-12)


def test_finite_differences(perceptron):
    found = jacobian(perceptron.tensors, X, batch_size=4)
    for entry, step in enumerate(1e-5 * np.eye(5)):
        difference = (perceptron(X + step) - perceptron(X - step)) / 2e-5
        np.testing.assert_allclose(found[..., entry], difference, rtol=1e-6, atol=1e-8)


def test_entries_of_images_are_in_row_major_order(linear):
    found = jacobian(linear(np.tile(W, (2, 1))), RNG.normal(size=(2, 5, 2, 1)))
    np.testing.assert_allclose(found, np.broadcast_to(np.tile(W, (2, 1)).T, (2, 3, 10)), rtol=1e-12)


def test_squared_frobenius_norm(perceptron):
    expected = np.sum(perceptron.jacobian(X) ** 2, axis=(1, 2))
    exact = squared_frobenius_norm(perceptron.tensors, X)
    np.testing.assert_allclose(exact.mean, expected, rtol=1e-10)
    np.testing.assert_array_equal(exact.standard_error, 0)


def test_projections_estimate_it_with_their_error(perceptron):
    x = np.tile(X[:1], (400, 1))
    expected = np.sum(perceptron.jacobian(X[:1]) ** 2)
    estimate = squared_frobenius_norm(perceptron.tensors, x, num_projections=10)
    deviations = (estimate.mean - expected) / estimate.standard_error
    assert abs(deviations.mean()) < 0.4  # the mean is unbiased, but the distribution is skewed
    assert 0.8 < np.std(estimate.mean) / np.sqrt(np.mean(estimate.standard_error**2)) < 1.2
    assert estimate.number == 10


def test_singular_values(perceptron):
    expected = np.linalg.svd(perceptron.jacobian(X), compute_uv=False)
    np.testing.assert_allclose(singular_values(perceptron.tensors, X, batch_size=4), expected, rtol=1e-8)


@pytest.mark.parametrize("num_values", [1, 2])
def test_lanczos_finds_the_largest(perceptron, num_values):
    expected = np.linalg.svd(perceptron.jacobian(X), compute_uv=False)[:, :num_values]
    found = singular_values(perceptron.tensors, X, num_values=num_values)
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_lanczos_with_many_logits(linear):
    w = RNG.normal(size=(30, 200))
    found = singular_values(linear(w), RNG.normal(size=(1, 30)), num_values=5)
    np.testing.assert_allclose(found, np.linalg.svd(w, compute_uv=False)[None, :5], rtol=1e-7)


def test_a_constant_network_has_none():
    def constant(x):
        return 0 * x[:, :2] + ops.ones((1, 2), x.dtype)

    np.testing.assert_array_equal(singular_values(constant, X), 0)
    np.testing.assert_array_equal(singular_values(constant, X, num_values=1), np.zeros((len(X), 1)))
    np.testing.assert_array_equal(squared_frobenius_norm(constant, X).mean, 0)


def test_bad_input(perceptron):
    with pytest.raises(ValueError, match="num_values must be at least 1 and at most 2, received 3"):
        singular_values(perceptron.tensors, X, num_values=3)
    with pytest.raises(ValueError, match="num_projections must be at least 1, received 0"):
        squared_frobenius_norm(perceptron.tensors, X, num_projections=0)


MEASURES = {
    "jacobian": jacobian,
    "singular_values": singular_values,
    "frobenius": lambda network, x: squared_frobenius_norm(network, x).mean,
    "fisher": largest_fisher_eigenvalue,
}


@pytest.mark.parametrize("measure", MEASURES)
def test_inputs_in_numpys_own_precision(measure):
    """A network in single precision, while `images / 255` are in double precision."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(3)])
    single, double = (MEASURES[measure](network, X.astype(dtype)) for dtype in ("float32", "float64"))
    np.testing.assert_allclose(double, single, rtol=1e-4, atol=1e-6)
