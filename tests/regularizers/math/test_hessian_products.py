"""Products with the Hessians of the divergences against dense matrices and finite differences."""

import numpy as np
import pytest
import scipy.special
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.regularizers import bernoulli_kl, categorical_kl
from zoo.regularizers.math.divergences import DIVERGENCES
from zoo.regularizers.math.hessian_products import (
    bernoulli_hessian_product,
    categorical_hessian_product,
    hessian_product,
)

RNG = np.random.default_rng(2)
LOGITS = RNG.normal(size=(6, 4)) * 3


def call(function, *arrays):
    return ops.convert_to_numpy(function(*(ops.convert_to_tensor(a) for a in arrays)))


def pairwise_hessian_product(logits, vectors):
    """`Σ_j p_k p_j (u_k − u_j)`: the same matrix as `diag(p) − p pᵀ`, without cancellation between entries of p."""
    log_p = scipy.special.log_softmax(logits.astype("float64"), axis=-1)
    products = np.exp(log_p[:, :, None] + log_p[:, None, :])
    return np.sum(products * (vectors[:, :, None] - vectors[:, None, :]), axis=-1)


def test_hessian_product(rng):
    p, u = scipy.special.softmax(LOGITS, axis=-1), rng.normal(size=LOGITS.shape)
    dense = np.stack([np.diag(row) - np.outer(row, row) for row in p])
    actual = call(categorical_hessian_product, LOGITS, u)
    np.testing.assert_allclose(actual, np.einsum("nkl,nl->nk", dense, u), rtol=1e-9)
    np.testing.assert_allclose(pairwise_hessian_product(LOGITS, u), actual, rtol=1e-9)


def test_hessian_product_is_the_hessian_of_the_divergence(difference, rng):
    u = rng.normal(size=(1, 4))

    def gradient(h):
        return difference(lambda other: float(call(categorical_kl, LOGITS[:1], other)[0]), h, 1e-4)

    along_u = (gradient(LOGITS[:1] + 1e-3 * u) - gradient(LOGITS[:1] - 1e-3 * u)) / 2e-3
    np.testing.assert_allclose(call(categorical_hessian_product, LOGITS[:1], u), along_u, atol=1e-5)


@pytest.mark.parametrize("confidence", [20, 40, 80])
def test_hessian_product_of_a_confident_prediction_in_single_precision(confidence, rng):
    logits = np.array([[0.0, confidence, 1.0, -2.0], [confidence, 1.0, 0.5, 0.0]], "float32")
    u = rng.normal(size=logits.shape).astype("float32")
    expected = pairwise_hessian_product(logits, u)
    actual = call(categorical_hessian_product, logits, u)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    p = scipy.special.softmax(logits, axis=-1)
    naive = p * (u - np.sum(p * u, axis=-1, keepdims=True))
    # In single precision the textbook form loses the entry of the likeliest class.
    assert not np.allclose(naive, expected, rtol=0.1, atol=0)


def test_bernoulli_hessian_product_is_that_of_the_divergence():
    """`p(1 − p)·u`, which is the derivative of `∂KL/∂h̃` along u at equal arguments, from finite differences."""
    vectors, step = RNG.normal(size=LOGITS.shape), 1e-5

    def gradient(logits):
        slope = linearize(lambda h: (bernoulli_kl(LOGITS, h), ()), ops.convert_to_tensor(logits))
        return ops.convert_to_numpy(slope.vjp(ops.ones(len(LOGITS), "float64")))

    found = call(bernoulli_hessian_product, LOGITS, vectors)
    p = scipy.special.expit(LOGITS)
    np.testing.assert_allclose(found, p * (1 - p) * vectors, rtol=1e-10)
    difference = (gradient(LOGITS + step * vectors) - gradient(LOGITS - step * vectors)) / (2 * step)
    np.testing.assert_allclose(found, difference, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("distribution", DIVERGENCES)
def test_dense_outputs_have_a_product_at_each_position(distribution):
    logits, vectors = (RNG.normal(size=(2, 3, 5, 4)) for _ in range(2))
    found = call(lambda h, u: hessian_product(h, u, distribution), logits, vectors)
    flat = [each.reshape(-1, 4) for each in (logits, vectors)]
    of_positions = call(lambda h, u: hessian_product(h, u, distribution), *flat)
    np.testing.assert_allclose(found.reshape(-1, 4), of_positions, rtol=1e-9)
