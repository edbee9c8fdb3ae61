"""A network as a function of the one tensor that moves."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.analysis import Classifier, jacobian, largest_fisher_eigenvalue, loss_gradient, penalty_values, predict_logits
from zoo.analysis import squared_frobenius_norm as frobenius

RNG = np.random.default_rng(0)
W = RNG.normal(size=(5, 3))
X = {"a": RNG.normal(size=(6, 3)), "b": RNG.normal(size=(6, 2)), "rank": RNG.integers(0, 3, (6, 1))}
PERTURB = {"b": 3.0}


def linear(x):
    """Linear in `a` and `b`, with an integer that is added."""
    joined = ops.concatenate([x["a"], x["b"]], axis=1)
    return ops.matmul(joined, ops.convert_to_tensor(W)) + ops.cast(x["rank"], "float64")


def test_derivatives_are_those_in_what_moves():
    expected = np.broadcast_to(3 * W[3:].T, (6, 3, 2))
    np.testing.assert_allclose(jacobian(Classifier(linear, perturb=PERTURB), X), expected)
    np.testing.assert_allclose(jacobian(linear, X), np.broadcast_to(W.T, (6, 3, 5)))
    np.testing.assert_allclose(frobenius(linear, X).mean, np.sum(W**2))
    logits = np.concatenate([X["a"], X["b"]], axis=1) @ W + X["rank"]
    np.testing.assert_allclose(predict_logits(linear, X), logits)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(loss_gradient(linear, X, np.zeros(6, int)), (p - [1, 0, 0]) @ W.T)


def test_penalties_in_the_analysis_are_those_of_training(quick):
    """Over several inputs with scales, for a model without dropout or normalization."""
    keras.utils.set_random_seed(0)
    inputs = {"a": keras.Input((3,), name="a"), "b": keras.Input((2,), name="b")}
    network = keras.Model(inputs, layers.Dense(3)(layers.Dense(4, "tanh")(layers.Concatenate()([*inputs.values()]))))
    x = {name: X[name].astype("float32") for name in inputs}
    regularizers = [zoo.AdversarialTraining(0.3), zoo.JacobianPenalty(), zoo.Smoothness(0.5, direction="adversarial")]
    for regularizer in regularizers:
        model = zoo.RegularizedModel(network, regularizer, perturb={"a": 0.5, "b": 2.0}, seed=1)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.0), loss, **quick)
        trained = model.fit(x, np.zeros(6, "int32"), batch_size=6, verbose=0).history[regularizer.metric_name][0]
        if isinstance(regularizer, zoo.Smoothness):
            continue  # from a random direction
        measured = penalty_values(model, x, regularizer, np.zeros(6, int)).mean()
        assert measured == pytest.approx(trained, rel=1e-4)


def bernoulli_fisher(logits, rows):
    p = 1 / (1 + np.exp(-logits))
    return np.einsum("nk,kd,ke->nde", p * (1 - p), rows, rows)


@pytest.mark.parametrize("num_power_iterations", [None, 60])
def test_the_fisher_information_of_units_that_decide_alone(num_power_iterations):
    network = Classifier(linear, outputs="multilabel_logits")
    logits = np.concatenate([X["a"], X["b"]], axis=1) @ W + X["rank"]
    expected = np.linalg.eigvalsh(bernoulli_fisher(logits, W.T))[:, -1]
    found = largest_fisher_eigenvalue(network, X, num_power_iterations=num_power_iterations)
    np.testing.assert_allclose(found, expected, rtol=1e-3 if num_power_iterations else 1e-10)


@pytest.mark.parametrize("kind", ["logits", "multilabel_logits"])
def test_dense_measures_are_those_of_the_positions(kind):
    """Two positions with Jacobians of their own: the Fisher information and the divergence of VAT are their mean."""
    w = RNG.normal(size=(2, 4, 3))
    network = Classifier(lambda x: ops.einsum("nd,pdk->npk", x, ops.convert_to_tensor(w)), outputs=kind)
    parts = [Classifier(lambda x, w=each: ops.matmul(x, ops.convert_to_tensor(w)), outputs=kind) for each in w]
    x = RNG.normal(size=(5, 4))
    rows = jacobian(network, x)
    assert rows.shape == (5, 2, 3, 4)
    np.testing.assert_allclose(rows, np.broadcast_to(np.swapaxes(w, 1, 2), rows.shape))
    np.testing.assert_allclose(frobenius(network, x).mean, np.sum(w**2))
    np.testing.assert_allclose(zoo.analysis.singular_values(network, x)[:, 0], np.linalg.norm(np.hstack(w), 2))
    np.testing.assert_allclose(
        zoo.analysis.singular_values(network, x, num_values=2)[:, 0], np.linalg.norm(np.hstack(w), 2)
    )
    penalties = [penalty_values(each, x, zoo.Smoothness(0.1, divergence="kl"), seed=2) for each in (network, *parts)]
    np.testing.assert_allclose(penalties[0], (penalties[1] + penalties[2]) / 2, rtol=1e-6)
    small = zoo.analysis.local_distributional_smoothness(network, x, 1e-4, num_power_iterations=60)
    np.testing.assert_allclose(small / (0.5e-8), largest_fisher_eigenvalue(network, x), rtol=1e-3)


def test_the_limits_of_theory_hold_for_any_structure():
    w = RNG.normal(size=(2, 5, 3))

    def dense(x):
        return ops.einsum("nd,pdk->npk", ops.concatenate([x["a"], x["b"]], axis=1), ops.convert_to_tensor(w))

    x = {name: np.tile(each, (20, 1)) for name, each in X.items()}  # 20 draws of noise at a time
    for kind in ("logits", "multilabel_logits"):
        found = zoo.analysis.limit_ratios(Classifier(dense, outputs=kind), x, [1e-3], num_draws=10)
        for name, (_, ratios) in found.items():
            tolerance = 5 * float(ratios.standard_error[0]) if name == "noise" else 1e-3
            assert ratios.mean[0] == pytest.approx(1, abs=tolerance), name


def test_the_structure_and_the_type_come_back():
    at = Classifier(linear, perturb={"a": np.array([1.0, 0.0, 2.0])}).at(X)
    assert at.tensor.shape == (6, 2) and not at.is_whole and not at.moves_layers
    moved = at.restored(at.tensor + 1.0)
    np.testing.assert_allclose(moved["a"] - X["a"], np.broadcast_to([1.0, 0.0, 2.0], (6, 3)), atol=1e-12)
    assert moved["b"] is X["b"] and moved["rank"] is X["rank"]
    logits = np.concatenate([moved["a"], X["b"]], axis=1) @ W + X["rank"]
    np.testing.assert_allclose(at.predict(at.tensor + 1.0).logits, logits)


def test_text_stays_on_tensorflow():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("JAX has no strings")
    word, age = keras.Input((1,), name="word", dtype="string"), keras.Input((1,), name="age")
    index = layers.StringLookup(vocabulary=["no", "yes"])(word)
    joined = layers.Concatenate()([layers.Flatten()(layers.Embedding(3, 2)(index)), age])
    network = keras.Model({"word": word, "age": age}, layers.Dense(3)(joined))
    x = {"word": np.array([["yes"], ["no"], ["so"]]), "age": np.ones((3, 1), "float32")}
    for attack in ("sign", "pgd_linf", "apgd_l2"):
        options = {} if attack == "sign" else {"num_steps": 3}
        moved = zoo.analysis.ATTACKS[attack](network, x, [0, 1, 2], 0.1, 0, **options)
        assert moved["word"] is x["word"]
    assert zoo.analysis.attacked_error_percent(network, x, [0, 1, 2], "sign", 0.1) >= 0


def test_one_input_in_double_precision_stays_so():
    """Small perturbations would round away in the single precision of the network."""
    if keras.backend.backend() == "jax":
        pytest.skip("JAX has float64 only on request.")
    network = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    x = np.array([[1.0, 2.0]])
    moved = np.asarray(zoo.analysis.gaussian_sign_noise(network, x, None, 1e-12, seed=0))
    np.testing.assert_allclose(np.abs(moved - x), 1e-12, rtol=1e-3)
    assert zoo.analysis.projected_gradient_descent(network, x, [0], 0.1, seed=0, norm="l2").dtype == "float64"


def named_model(preprocessing):
    network = keras.Sequential([keras.Input((2,), name="pair"), layers.Dense(3)])
    scales = {"pair": np.array([2.0, 0.0])}
    return zoo.RegularizedModel(network, preprocessing=preprocessing, perturb=scales)


def test_the_one_raw_input_has_the_name_of_the_network():
    model = named_model(layers.Rescaling(2.0))
    x = np.ones((4, 2), "float32")
    expected = 2 * 2 * ops.convert_to_numpy(model.network.layers[-1].kernel)[:1].T
    np.testing.assert_allclose(jacobian(model, x), np.broadcast_to(expected, (4, 3, 1)), rtol=1e-6)
    moved = np.asarray(zoo.analysis.sign_noise(model, x, [0, 1, 2, 0], 0.5, input_range=(0.0, 1.5)))
    assert set(moved[:, 0]) <= {0.0, 1.5} and (moved[:, 1] == 1).all()


def test_names_that_a_preprocessing_makes():
    model = named_model(layers.Concatenate())
    with pytest.raises(ValueError, match=r"perturb= names inputs of the network, \['pair'\], but .* \['a', 'b'\]"):
        Classifier(model).at({"a": np.ones((4, 1), "float32"), "b": np.ones((4, 1), "float32")})
