"""Adversarial weight perturbation against NumPy: alone, and around a penalty at perturbed inputs."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.perceptron import cross_entropy_of
from zoo.backend.derivatives import linearize
from zoo.regularizers import AdversarialWeightPerturbation, CleanPass, Smoothness, Trades

RNG = np.random.default_rng(9)
X, W, TARGETS = RNG.normal(size=(6, 4)), RNG.normal(size=(4, 3)), np.eye(3)[[0, 1, 2, 1, 0, 2]]


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture
def softmax_regression():
    """The pass of `h = x·W + b`, and its two variables."""
    keras.config.set_floatx("float64")
    kernel = keras.Variable(W, dtype="float64", name="kernel")
    bias = keras.Variable(np.zeros((1, 3)), dtype="float64", name="bias")

    def forward(x, weights=()):
        replaced = {id(variable): value for variable, value in weights}
        w, b = (replaced.get(id(variable), variable.value) for variable in (kernel, bias))
        return ops.matmul(x, w) + b

    x = ops.convert_to_tensor(X)
    linear = linearize(lambda x: (forward(x), ()), x)
    return CleanPass(
        inputs=x,
        logits=linear.outputs,
        forward=forward,
        losses=cross_entropy_of(TARGETS),
        num_labeled=len(X),
        jvp=linear.jvp,
        vjp=linear.vjp,
        variables=[kernel, bias],
        seed=keras.random.SeedGenerator(0),
    )


def cross_entropy(w, softmax):
    return -np.log(softmax(X @ w)[TARGETS == 1])


def slope(w, softmax):
    """The gradient of the mean cross-entropy in W."""
    return X.T @ (softmax(X @ w) - TARGETS) / len(X)


def test_alone_it_is_the_loss_at_the_worst_weights_minus_the_loss(softmax_regression, softmax):
    gamma, g = 0.1, slope(W, softmax)
    worst = W + gamma * np.linalg.norm(W) * g / np.linalg.norm(g)
    found = AdversarialWeightPerturbation(gamma=gamma).per_example(softmax_regression)
    expected = cross_entropy(worst, softmax) - cross_entropy(W, softmax)
    np.testing.assert_allclose(values(found), expected, rtol=1e-6, atol=1e-9)
    assert expected.mean() > 0


def test_no_other_change_of_that_size_is_worse(softmax_regression, softmax):
    gamma = 1e-4
    found = values(AdversarialWeightPerturbation(gamma=gamma).penalty(softmax_regression))
    for direction in RNG.normal(size=(50, *W.shape)):
        other = W + gamma * np.linalg.norm(W) * direction / np.linalg.norm(direction)
        assert np.mean(cross_entropy(other, softmax) - cross_entropy(W, softmax)) < found


def test_around_trades_inputs_stay_and_the_divergence_grows(softmax_regression, softmax):
    trades, gamma = Trades(0.3, num_steps=2), 0.05
    worst_inputs = values(trades.perturbed_inputs(softmax_regression))
    softmax_regression.seed = keras.random.SeedGenerator(0)

    def divergence(w):
        p, q = softmax(X @ w), softmax(worst_inputs @ w)
        return np.sum(p * np.log(p / q), axis=-1)

    def difference(step=1e-6):
        result = np.zeros_like(W)
        for index in np.ndindex(W.shape):
            moved = np.zeros_like(W)
            moved[index] = step
            result[index] = (divergence(W + moved).mean() - divergence(W - moved).mean()) / (2 * step)
        return result

    g = difference()
    expected = divergence(W + gamma * np.linalg.norm(W) * g / np.linalg.norm(g))
    found = values(AdversarialWeightPerturbation(trades, gamma=gamma).per_example(softmax_regression))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.mean() > divergence(W).mean()


def test_zero_gamma_is_the_regularizer_alone(softmax_regression):
    trades = Trades(0.3, num_steps=2)
    alone = values(trades.per_example(softmax_regression))
    softmax_regression.seed = keras.random.SeedGenerator(0)
    around = values(AdversarialWeightPerturbation(trades, gamma=0.0).per_example(softmax_regression))
    np.testing.assert_allclose(around, alone, rtol=1e-6)
    nothing = AdversarialWeightPerturbation(gamma=0.0).per_example(softmax_regression)
    np.testing.assert_allclose(values(nothing), 0, atol=1e-12)


def test_biases_stay(softmax_regression):
    method, moved = AdversarialWeightPerturbation(gamma=0.1), []
    original = softmax_regression.forward

    def forward(x, weights=()):
        moved.extend(variable.name for variable, _ in weights)
        return original(x, weights)

    softmax_regression.forward = forward
    method.per_example(softmax_regression)
    assert set(moved) == {"kernel"}


def test_it_takes_over_weight_ramp_up_and_interval():
    inner = Trades(0.1, weight=3.0, ramp_up_steps=5, interval=2)
    outer = AdversarialWeightPerturbation(inner)
    assert (outer.weight, outer.ramp_up_steps, outer.interval) == (3.0, 5, 2)
    assert AdversarialWeightPerturbation(inner, weight=1.0).weight == 1.0
    assert (2 * outer).regularizer.epsilon == 0.1 and (2 * outer).weight == 6.0
    assert AdversarialWeightPerturbation().weight == 1.0


@pytest.mark.parametrize("wrong", [Smoothness(0.1), "trades", AdversarialWeightPerturbation()])
def test_other_regularizers_are_refused(wrong):
    with pytest.raises(TypeError, match="must be an InputPerturbation, such as zoo.Trades, or None"):
        AdversarialWeightPerturbation(wrong)


def test_ranges_of_the_regularizer_are_checked_as_its_own():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, name="inner"), keras.layers.Dense(3)])
    awp = AdversarialWeightPerturbation(Trades(0.1, input_range=(0, 1)))
    model = zoo.RegularizedModel(network, awp, perturb="inner")
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True), run_eagerly=True)
    with pytest.raises(ValueError, match="input_range"):
        model.fit(X, TARGETS, verbose=0)


def test_networks_with_kernels_of_any_rank(model, fit, quick):
    layers = keras.layers
    inputs = keras.Input((6, 6, 2))
    x = layers.BatchNormalization()(layers.Conv2D(3, 3, activation="relu")(inputs))
    x = layers.Reshape((16, 3))(x)
    x = layers.MultiHeadAttention(2, 2)(x, x)
    network = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    images, labels = RNG.normal(size=(6, 6, 6, 2)).astype("float32"), np.arange(6) % 3
    trained = model(
        network, AdversarialWeightPerturbation(Trades(0.1, num_steps=1)) + AdversarialWeightPerturbation(), **quick
    )
    assert np.isfinite(fit(trained, images, labels)["awp"]).all()


def test_it_measures_a_trained_network(softmax):
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    w, x = network.get_weights()[0].astype("float64"), X.astype("float32")
    g = slope(w, softmax)
    worst = w + 0.1 * np.linalg.norm(w) * g / np.linalg.norm(g)
    found = zoo.analysis.penalty_values(network, x, AdversarialWeightPerturbation(gamma=0.1), TARGETS)
    np.testing.assert_allclose(found, cross_entropy(worst, softmax) - cross_entropy(w, softmax), rtol=1e-3, atol=1e-5)


def test_its_text_shows_the_regularizer():
    assert "Trades(epsilon=0.1" in repr(AdversarialWeightPerturbation(Trades(0.1)))


@pytest.mark.parametrize("inner", ["trades", {}, {"trades": {"epsilon": 1.0}, "at": {"epsilon": 1.0}}])
def test_data_with_other_than_one_method_inside_are_refused(inner):
    with pytest.raises(TypeError, match="regularizer of awp must be a dictionary with one name"):
        zoo.regularizers.build({"awp": {"regularizer": inner}})
