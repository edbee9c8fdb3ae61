"""Linearization against Jacobians in NumPy, and derivatives of derivatives against finite differences."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from zoo.backend.derivatives import BACKENDS, depends, explained_derivatives, gradients, linearize

RNG = np.random.default_rng(0)
X, W, V = RNG.normal(size=(4, 5)), RNG.normal(size=(5, 6)), RNG.normal(size=(6, 3))


def network(x, w=W):
    # tanh from exp, because Keras's own returns single precision on JAX.
    hidden = 1 - 2 / (ops.exp(2 * ops.matmul(x, ops.convert_to_tensor(w))) + 1)
    return ops.matmul(hidden, ops.convert_to_tensor(V))


def jacobian(w=W):
    return np.einsum("dh,nh,hk->nkd", w, 1 - np.tanh(X @ w) ** 2, V)


def values(tensor):
    return ops.convert_to_numpy(tensor)


def compiled(function):
    """The function, compiled as in training."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function)


@pytest.mark.parametrize("run", [lambda function: function, compiled], ids=["eager", "compiled"])
def test_products_with_the_jacobian(run):
    rng = np.random.default_rng(1)
    tangents, cotangents = rng.normal(size=(4, 5)), rng.normal(size=(4, 3))

    def products(x):
        linear = linearize(lambda x: (network(x), ()), x)
        pushed = linear.jvp(ops.convert_to_tensor(tangents))
        return linear.outputs, pushed, linear.vjp(ops.convert_to_tensor(cotangents))

    outputs, pushed, pulled = run(products)(ops.convert_to_tensor(X))
    np.testing.assert_allclose(values(outputs), np.tanh(X @ W) @ V, rtol=1e-12)
    np.testing.assert_allclose(values(pushed), np.einsum("nkd,nd->nk", jacobian(), tangents), rtol=1e-10)
    np.testing.assert_allclose(values(pulled), np.einsum("nkd,nk->nd", jacobian(), cotangents), rtol=1e-10)


def test_products_are_linear_and_can_be_repeated():
    linear = linearize(lambda x: (network(x), ()), ops.convert_to_tensor(X))
    tangents, cotangents = ops.convert_to_tensor(X), ops.ones_like(linear.outputs)
    np.testing.assert_allclose(values(linear.jvp(3 * tangents)), 3 * values(linear.jvp(tangents)), rtol=1e-12)
    np.testing.assert_allclose(values(linear.vjp(3 * cotangents)), 3 * values(linear.vjp(cotangents)), rtol=1e-12)


def test_aux_passes_through():
    linear = linearize(lambda x: (network(x), {"twice": 2 * x, "none": []}), ops.convert_to_tensor(X))
    np.testing.assert_array_equal(values(linear.aux["twice"]), 2 * X)
    assert linear.aux["none"] == []


def test_outputs_that_do_not_depend_on_the_inputs_have_zero_derivatives():
    linear = linearize(lambda x: (ops.ones_like(x)[:, :3], ()), ops.convert_to_tensor(X))
    assert not values(linear.jvp(ops.convert_to_tensor(X))).any()
    assert not values(linear.vjp(ops.ones_like(linear.outputs))).any()


@pytest.mark.parametrize("product", ["vjp", "jvp"])
@pytest.mark.parametrize("run", [lambda function: function, compiled], ids=["eager", "compiled"])
def test_products_are_differentiable_in_the_weights(product, run):
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(4, 3) if product == "vjp" else (4, 5))

    def squared_norm(w):
        linear = linearize(lambda x: (network(x, w), ()), ops.convert_to_tensor(X))
        return ops.sum(ops.square(getattr(linear, product)(ops.convert_to_tensor(vectors)))), ()

    def reference(w):
        return np.sum(np.einsum("nkd,nk->nd" if product == "vjp" else "nkd,nd->nk", jacobian(w), vectors) ** 2)

    steps = [np.eye(W.size)[i].reshape(W.shape) * 1e-5 for i in range(W.size)]
    expected = np.reshape([(reference(W + step) - reference(W - step)) / 2e-5 for step in steps], W.shape)

    def gradient(w):
        return linearize(squared_norm, w).vjp(ops.ones((), "float64"))

    np.testing.assert_allclose(values(run(gradient)(ops.convert_to_tensor(W))), expected, rtol=1e-6, atol=1e-6)


def test_unsupported_backend():
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    run = subprocess.run([sys.executable, "-c", "import zoo"], env=environment, capture_output=True, text=True)
    assert run.returncode
    error = run.stderr.strip().splitlines()[-1]
    assert error.startswith("ImportError")
    assert all(name in error for name in (*BACKENDS, "'numpy'"))


def rounded(x):
    return ops.cast(ops.cast(x, "int32"), x.dtype)


@pytest.mark.parametrize("run", [lambda function: function, compiled], ids=["eager", "compiled"])
def test_dependence_is_a_matter_of_derivatives(run):
    found = []

    def record(x):
        found.append(depends(lambda a, b, c: network(a) + network(rounded(b)) + ops.sum(c), [x, 2 * x, 3 * x]))
        found.append(depends(lambda a: network(0 * a), [x]))  # a derivative that happens to be 0
        found.append(depends(lambda a: ops.ones_like(a), [x]))
        return x

    run(record)(ops.convert_to_tensor(X))
    assert found[:3] == [[True, False, True], [True], [False]]


@pytest.mark.parametrize(
    "error, message",
    [
        (LookupError("gradient registry has no entry for: ResizeBicubicGrad"), "bilinear.*xi="),
        (LookupError("gradient registry has no entry for: CudnnRNNBackprop"), "use_cudnn=False.*xi="),
        (TypeError("can't apply forward-mode differentiation (jvp) to a custom_vjp function."), "use_cudnn=False"),
    ],
)
def test_missing_derivatives_are_explained(error, message):
    with pytest.raises(ValueError, match=f"without a derivative that a penalty needs.*{message}"):
        with explained_derivatives():
            raise error


@pytest.mark.parametrize("error", [LookupError("no key"), TypeError("float"), NotImplementedError()])
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as caught, explained_derivatives():
        raise error
    assert caught.value is error


def test_a_function_with_a_gradient_of_its_own():
    """It has no forward mode on JAX, as quantized layers do not: products come from reverse mode alone."""

    @ops.custom_gradient
    def tripled(x):
        def gradient(*args, upstream=None):
            return 3 * (args[0] if upstream is None else upstream)

        return 3 * x, gradient

    def product(x):
        linear = linearize(lambda x: (tripled(ops.square(x)), ()), x)
        return ops.sum(linear.jvp(ops.ones_like(x))), linear

    x = ops.convert_to_tensor(X)
    if keras.backend.backend() == "jax":
        import jax

        slope = jax.grad(lambda x: product(x)[0])(x)  # the penalties are differentiated again, in the weights
    else:
        slope = linearize(lambda x: (product(x)[0], ()), x).vjp(ops.ones((), "float64"))
    np.testing.assert_allclose(values(product(x)[1].jvp(ops.ones_like(x))), 6 * X, rtol=1e-10)
    np.testing.assert_allclose(values(slope), np.full_like(X, 6), rtol=1e-10)


def test_the_gradient_of_rows_is_a_whole_tensor():
    rows = ops.convert_to_tensor([1, 1])
    (found,) = gradients(lambda x: ops.sum(ops.take(x, rows, axis=0)), [ops.convert_to_tensor(X)])
    np.testing.assert_array_equal(values(found[1]), np.full_like(X[1], 2.0))
    np.testing.assert_array_equal(values(found[0]), 0 * X[0])


def test_gradients_in_several_arguments():
    x, y, unused = (ops.convert_to_tensor(each) for each in (X, X[:1], X[0]))
    found = gradients(lambda x, y, _: ops.sum(ops.square(x) * y), [x, y, unused])
    expected = (2 * X * X[:1], np.sum(X**2, axis=0, keepdims=True), np.zeros_like(X[0]))
    for actual, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(values(actual), wanted, rtol=1e-12)
