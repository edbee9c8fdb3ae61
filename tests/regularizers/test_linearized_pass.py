"""Loss gradients, and products with the Jacobian at every scale."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.perceptron import cross_entropy_of

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(6, 5)), np.array([0, 2, 1, 1])


def values(tensor):
    return ops.convert_to_numpy(tensor)


def test_loss_gradient_covers_the_labeled_rows(clean_pass, perceptron, softmax):
    mlp = perceptron()
    clean = clean_pass(mlp.tensors, X, cross_entropy_of(np.eye(3)[Y]), num_labeled=4)
    errors = softmax(mlp(X[:4])) - np.eye(3)[Y]
    expected = np.einsum("nkd,nk->nd", mlp.jacobian(X[:4]), errors)
    np.testing.assert_allclose(values(clean.loss_gradient), expected, rtol=1e-9)
    np.testing.assert_array_equal(values(clean.labeled_inputs), X[:4])
    assert clean.loss_gradient is clean.loss_gradient


def test_loss_gradient_depends_on_the_weights(clean_pass, perceptron, softmax, gradient, difference):
    mlp = perceptron()

    def reference(w):
        hidden = np.tanh(X[:4] @ w + mlp.b)
        errors = softmax(hidden @ mlp.v) - np.eye(3)[Y]
        return np.sum((errors @ mlp.v.T * (1 - hidden**2) @ w.T) ** 2)

    def squared_norm(w):
        clean = clean_pass(lambda x: mlp.tensors(x, w), X[:4], cross_entropy_of(np.eye(3)[Y]))
        return ops.sum(ops.square(clean.loss_gradient))

    np.testing.assert_allclose(gradient(squared_norm, mlp.w), difference(reference, mlp.w), rtol=1e-6, atol=1e-7)


def test_virtual_labels_of_units_that_decide_alone(clean_pass, perceptron):
    mlp = perceptron()
    clean = clean_pass(mlp.tensors, X, cross_entropy_of(np.eye(3)[Y]), num_labeled=4, distribution="bernoulli")
    logits = mlp(X[4:])
    errors = (1 / (1 + np.exp(-logits)) - (logits > 0)) / logits.shape[1]  # Keras's loss is the mean over units
    expected = np.einsum("nkd,nk->nd", mlp.jacobian(X[4:]), errors)
    np.testing.assert_allclose(values(clean.virtual_loss_gradient)[4:], expected, rtol=1e-9)
    np.testing.assert_allclose(values(clean.virtual_loss_gradient)[:4], values(clean.loss_gradient), rtol=1e-9)


@pytest.mark.parametrize("size", [1e-45, 1e-37, 1e-20, 1.0, 1e20])
def test_pull_back_is_finite_at_any_scale(size, clean_pass, linear, rng):
    w = rng.normal(size=(5, 3)).astype("float32")
    cotangents = np.array([[1, 0, -0.5]], "float32") * np.float32(size)
    clean = clean_pass(linear(w), X[:1].astype("float32"))
    # Hardware may flush subnormal numbers to zero.
    np.testing.assert_allclose(
        values(clean.pull_back(ops.convert_to_tensor(cotangents))), cotangents @ w.T, rtol=1e-5, atol=1e-37
    )


def test_pull_back_survives_half_precision(clean_pass, rng):
    """Cotangents that underflow in float16 still reach the inputs of a float16 network."""
    layer = keras.layers.Dense(3, dtype="mixed_float16")
    layer.build((None, 5))
    x = rng.normal(size=(4, 5)).astype("float32")
    clean = clean_pass(lambda x: ops.cast(layer(x), "float32"), x)
    cotangents = np.float32(1e-9) * rng.normal(size=(4, 3)).astype("float32")
    kernel = layer.get_weights()[0].astype("float64")
    expected = cotangents @ kernel.T
    actual = values(clean.pull_back(ops.convert_to_tensor(cotangents)))
    np.testing.assert_allclose(actual, expected, atol=5e-3 * np.abs(expected).max())
    assert not values(clean._vjp(ops.convert_to_tensor(cotangents))).any()


def test_push_forward(clean_pass, perceptron, rng):
    mlp, tangents = perceptron(), rng.normal(size=X.shape)
    clean = clean_pass(mlp.tensors, X)
    expected = np.einsum("nkd,nd->nk", mlp.jacobian(X), tangents)
    np.testing.assert_allclose(values(clean.push_forward(ops.convert_to_tensor(tangents))), expected, rtol=1e-9)
