"""The exact and the published power iteration against the Fisher matrix, in every precision."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.regularizers import VirtualAdversarialTraining
from zoo.regularizers.math import hessian_products, per_example
from zoo.regularizers.math.worst_directions import (
    adversarial_noise,
    check_xi,
    finite_difference_iteration,
    power_iteration,
)
from zoo.training import RegularizedModel

RNG = np.random.default_rng(5)
X, W = RNG.normal(size=(6, 5)), RNG.normal(size=(5, 3))


def values(tensor):
    return ops.convert_to_numpy(tensor)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def cosines(a, b):
    return np.sum(unit(np.asarray(a, "float64")) * unit(np.asarray(b, "float64")), axis=-1)


@pytest.fixture
def check_dominant_eigenvector(clean_pass, linear, fisher, rng):
    def check(distribution):
        jacobian = np.broadcast_to(W.T, (6, 3, 5))
        matrices = (
            fisher(X @ W, jacobian) if distribution == "categorical" else np.einsum("nkd,nke->nde", *[jacobian] * 2)
        )
        start = ops.convert_to_tensor(unit(rng.normal(size=X.shape)))
        direction = values(power_iteration(clean_pass(linear(W), X), start, distribution, 60))
        np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1, rtol=1e-9)
        dominant = np.linalg.eigh(matrices)[1][:, :, -1]
        np.testing.assert_allclose(np.abs(cosines(direction, dominant)), 1, rtol=1e-3)

    return check


@pytest.mark.parametrize("distribution", ["categorical", "gaussian"])
def test_convergence_to_the_dominant_eigenvector(check_dominant_eigenvector, distribution):
    check_dominant_eigenvector(distribution)


def test_convergence_notices_a_wrong_hessian(check_dominant_eigenvector, monkeypatch):
    monkeypatch.setattr(hessian_products, "categorical_hessian_product", lambda logits, u: ops.softmax(logits) * u)
    with pytest.raises(AssertionError):
        check_dominant_eigenvector("categorical")


def test_each_iteration_is_one_product_with_the_fisher_matrix(clean_pass, perceptron, fisher, rng):
    mlp, expected = perceptron(), unit(rng.normal(size=X.shape))
    clean, start = clean_pass(mlp.tensors, X), ops.convert_to_tensor(expected)
    for num_iterations in range(4):
        direction = values(power_iteration(clean, start, "categorical", num_iterations))
        np.testing.assert_allclose(direction, expected, rtol=1e-6, atol=1e-9)
        expected = unit(np.einsum("nde,ne->nd", fisher(mlp(X), mlp.jacobian(X)), expected))


@pytest.mark.parametrize("distribution", ["categorical", "gaussian"])
def test_finite_differences_agree_in_single_precision(clean_pass, perceptron, distribution, rng):
    mlp = perceptron()
    mlp.w /= 4  # Both differ by the curvature over a step ξ.
    clean = clean_pass(mlp.tensors, X.astype("float32"))
    start = ops.convert_to_tensor(unit(rng.normal(size=X.shape)).astype("float32"))
    exact = power_iteration(clean, start, distribution, 1)
    published = finite_difference_iteration(clean, start, distribution, 1, 1e-2)
    np.testing.assert_allclose(np.linalg.norm(values(published), axis=1), 1, rtol=1e-5)
    assert (cosines(values(published), values(exact)) > 0.999).all()
    assert not (cosines(values(start), values(exact)) > 0.999).any()


@pytest.mark.parametrize("dtype, xi", [("float32", 1e-6), ("float16", 1e-3), ("bfloat16", 1e-1)])
def test_steps_lost_in_rounding_are_refused(clean_pass, linear, dtype, xi, rng):
    image = rng.uniform(size=(2, 28, 28, 1)).astype("float32")
    clean = clean_pass(linear(rng.normal(size=(784, 3)).astype("float32")), image, compute_dtype=dtype)
    with pytest.raises(ValueError, match=f"xi={xi!r} is lost in rounding: in {dtype}.*784 entries.*xi=None"):
        finite_difference_iteration(clean, clean.inputs, "categorical", 1, xi)
    # The refusal is right, because rounding changes the step.
    step = ops.cast(xi * per_example.normalize(clean.inputs), dtype)
    base = ops.cast(clean.inputs, dtype)
    felt = values(ops.cast(base + step, "float32")) - values(ops.cast(base, "float32"))
    assert np.linalg.norm(felt - values(ops.cast(step, "float32"))) > 0.1 * xi


@pytest.mark.parametrize("dtype, xi", [("float32", 1e-4), ("float16", 1.0), ("bfloat16", 10.0), ("float64", 1e-6)])
def test_steps_that_survive_are_allowed(dtype, xi):
    check_xi(xi, np.zeros((2, 28, 28)), dtype)


def test_an_unknown_kind_of_noise():
    with pytest.raises(ValueError, match="Unknown kind 'linf'. Did you mean 'sign'"):
        adversarial_noise(np.ones((1, 2)), "linf")


def dense_network(policy, w, b, v):
    network = keras.Sequential(
        [
            keras.layers.Dense(w.shape[1], "tanh", dtype=policy),
            keras.layers.Dense(v.shape[1], use_bias=False, dtype=policy),
        ]
    )
    network.build((None, w.shape[0]))
    network.set_weights([w, b, v])
    return network


class Observed(VirtualAdversarialTraining):
    """Records the results for the test."""

    def perturbation(self, clean_pass, direction):
        self.start, self.inputs = direction, clean_pass.inputs
        self.result = super().perturbation(clean_pass, direction)
        return self.result


# bfloat16 has eight binary digits, and processors round to it at different places.
@pytest.mark.parametrize("policy, cosine", [("float32", 0.9999), ("mixed_float16", 0.999), ("mixed_bfloat16", 0.99)])
@pytest.mark.parametrize("confidence", [1.0, 4.0])
def test_perturbation_reaches_its_norm_and_direction(policy, cosine, confidence, perceptron, fisher, rng):
    mlp = perceptron(num_inputs=24, num_hidden=16)
    mlp.w, mlp.v = mlp.w / 5, mlp.v * confidence
    x = rng.uniform(size=(8, 24)).astype("float32")
    method = Observed(0.5)
    model = RegularizedModel(dense_network(policy, mlp.w, mlp.b, mlp.v), method, seed=0)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.build(x.shape)
    model.objective(ops.convert_to_tensor(x), ops.zeros(8, "int32"))

    start, result = (values(tensor).astype("float64") for tensor in (method.start, method.result))
    np.testing.assert_allclose(np.linalg.norm(result, axis=1), 0.5, rtol=1e-5)
    expected = np.einsum("nde,ne->nd", fisher(mlp(x), mlp.jacobian(x)), start)
    assert (cosines(result, expected) > cosine).all()
    # The step survives the cast to the type of the network.
    cast = keras.DTypePolicy(policy).compute_dtype
    moved, base = (ops.cast(ops.cast(t, cast), "float32") for t in (method.inputs + method.result, method.inputs))
    felt = values(moved) - values(base)
    assert (cosines(felt, expected) > cosine).all()
    np.testing.assert_allclose(np.linalg.norm(felt, axis=1), 0.5, rtol=1e-2)


def test_extremely_confident_predictions_give_a_direction_or_none(clean_pass, linear, rng):
    """No NaN, even if probabilities underflow in single precision."""
    w = rng.normal(size=(5, 3)).astype("float32")
    start = ops.convert_to_tensor(unit(rng.normal(size=(1, 5))).astype("float32"))
    for gap in range(76, 112, 2):
        clean = clean_pass(linear(w, np.array([gap, 0, 1], "float32")), np.zeros((1, 5), "float32"))
        norm = np.linalg.norm(values(power_iteration(clean, start, "categorical", 1)))
        assert np.isclose(norm, 1, atol=1e-5) or norm == 0
