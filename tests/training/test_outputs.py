"""Penalties and training do not depend on whether the network returns logits or probabilities."""

import functools

import keras
import numpy as np
import pytest
from keras import losses, ops

import zoo
from tests.support.numpy_reference import sigmoid, softmax
from zoo.training.outputs import MEANINGS, outputs_of

PENALTIES = zoo.AdversarialTraining(0.5) + zoo.VirtualAdversarialTraining(1.0) + zoo.VirtualMovementTraining("shift")
RNG = np.random.default_rng(2)
LOGITS = RNG.normal(size=(8, 3)).astype("float32")
BINARY = LOGITS[:, :1]
LABELS = (np.arange(8) % 3).astype("int32")
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


@pytest.mark.parametrize(
    "loss, kind, outputs, log_probabilities",
    [
        ("sparse_categorical_crossentropy", "categorical", softmax(LOGITS), np.log(softmax(LOGITS))),
        (losses.CategoricalCrossentropy(from_logits=True), "categorical", LOGITS, np.log(softmax(LOGITS))),
        ("kl_divergence", "categorical", softmax(LOGITS), np.log(softmax(LOGITS))),
        (losses.BinaryCrossentropy(from_logits=True), "binary", BINARY, np.log(sigmoid(np.hstack([-BINARY, BINARY])))),
        ("binary_crossentropy", "binary", sigmoid(BINARY), np.log(sigmoid(np.hstack([-BINARY, BINARY])))),
    ],
)
def test_logits_of_outputs_give_their_probabilities_and_come_back(loss, kind, outputs, log_probabilities):
    meaning = outputs_of(loss)
    logits = meaning.to_logits(ops.convert_to_tensor(outputs))
    assert meaning.kind == kind
    np.testing.assert_allclose(ops.log_softmax(logits), log_probabilities, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(meaning.from_logits(logits), outputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("outputs, from_logits", [(LOGITS, True), (sigmoid(LOGITS), False)])
def test_a_binary_loss_over_several_units_is_multilabel(outputs, from_logits):
    meaning = outputs_of(losses.BinaryCrossentropy(from_logits=from_logits)).of_units(3)
    assert (meaning.kind, meaning.distribution) == ("multilabel", "bernoulli")
    logits = meaning.to_logits(ops.convert_to_tensor(outputs))
    np.testing.assert_allclose(logits, LOGITS, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(meaning.from_logits(logits), outputs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "meaning, units, kind, outputs, logits",
    [
        ("logits", 3, "categorical", LOGITS, LOGITS),
        ("probabilities", 3, "categorical", softmax(LOGITS), np.log(softmax(LOGITS))),
        ("probabilities", 1, "binary", sigmoid(BINARY), np.log(sigmoid(np.hstack([-BINARY, BINARY])))),
        ("binary_logits", 1, "binary", BINARY, np.hstack([0 * BINARY, BINARY])),
        ("binary_probabilities", 1, "binary", sigmoid(BINARY), np.log(sigmoid(np.hstack([-BINARY, BINARY])))),
        ("binary_probabilities", 3, "multilabel", sigmoid(LOGITS), LOGITS),
        ("multilabel_logits", 3, "multilabel", LOGITS, LOGITS),
        ("values", 3, "regression", LOGITS, LOGITS),
    ],
)
def test_what_the_model_says_overrides_the_loss(meaning, units, kind, outputs, logits):
    given = outputs_of(lambda y, p: losses.mean_squared_error(y, p), meaning).of_units(units)
    assert given.kind == kind
    found = given.to_logits(ops.convert_to_tensor(outputs))
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(given.from_logits(found), outputs, rtol=1e-4, atol=1e-6)


def test_unknown_meaning(network):
    with pytest.raises(ValueError, match="Unknown outputs 'probability'. Did you mean 'probabilities'"):
        zoo.RegularizedModel(network(), outputs="probability")
    for meaning in MEANINGS:
        config = zoo.RegularizedModel(network(), outputs=meaning).get_config()
        assert zoo.RegularizedModel.from_config(config).meaning == meaning
    assert not {"output", "outputs"} & set(zoo.RegularizedModel(network()).get_config())


CUSTOM = {
    "object": (losses.SparseCategoricalCrossentropy(), None),
    "lambda": (lambda y, p: losses.sparse_categorical_crossentropy(y, p), "probabilities"),
    "partial": (functools.partial(losses.sparse_categorical_crossentropy, from_logits=False), None),
}


@pytest.mark.parametrize("name", CUSTOM)
def test_a_loss_of_ones_own_around_keras(name, quick, data, network, fit):
    """The penalties do not depend on how the loss is written."""
    found = []
    for loss, meaning in (CUSTOM["object"], CUSTOM[name]):
        penalties = zoo.VirtualAdversarialTraining(1.0) + zoo.EntropyMinimization()
        trained = zoo.RegularizedModel(network(activation="softmax"), penalties, seed=1, outputs=meaning)
        trained.compile(keras.optimizers.SGD(0.1), loss, **quick)
        found.append(fit(trained, *data))
    for penalty in ("loss", "vat", "entropy"):
        np.testing.assert_allclose(found[1][penalty], found[0][penalty], rtol=1e-5)


def test_labels_that_are_neither_indices_nor_one_hot():
    with pytest.raises(ValueError, match=r"class indices \('n',\) or one-hot, received \('n', 5\)"):
        outputs_of("categorical_crossentropy").targets(np.zeros((2, 5)), np.zeros((2, 3)))


def test_probability_zero_has_a_finite_logit():
    logits = outputs_of("sparse_categorical_crossentropy").to_logits(ops.convert_to_tensor([[1.0, 0.0]]))
    assert np.isfinite(ops.convert_to_numpy(logits)).all()


@pytest.mark.parametrize("loss", ["mse", "mean_absolute_error", losses.Huber()])
def test_other_losses_are_regression(loss):
    assert outputs_of(loss).kind == "regression"


PAIRS = {
    "sparse": (3, "softmax", losses.SparseCategoricalCrossentropy, "sparse_categorical_crossentropy", lambda y: y),
    "one_hot": (3, "softmax", losses.CategoricalCrossentropy, "categorical_crossentropy", lambda y: np.eye(3)[y]),
    "binary": (1, "sigmoid", losses.BinaryCrossentropy, "binary_crossentropy", lambda y: y % 2),
}


@pytest.mark.parametrize("name", PAIRS)
def test_logits_and_probabilities_train_alike(name, quick, data, network, model, fit, assert_same_weights):
    units, activation, loss, text, targets = PAIRS[name]
    x, y = data
    by_logits = model(network(outputs=units), PENALTIES, loss(from_logits=True), **quick)
    others = [
        model(network(outputs=units, activation=activation), PENALTIES, given, **quick) for given in (loss(), text)
    ]
    expected = fit(by_logits, x, targets(y), batch_size=12)
    for other in others:
        history = fit(other, x, targets(y), batch_size=12)
        assert_same_weights(by_logits, other, rtol=1e-3, atol=1e-5)
        for penalty in ("loss", "at", "vat", "vmt_shift"):
            np.testing.assert_allclose(history[penalty], expected[penalty], rtol=1e-3)


def test_binary_network_is_one_of_two_classes(quick, data, network, model, fit):
    """One logit h and two logits (0, h) give the same penalties."""
    x, y = data
    one = network(outputs=1)
    kernel, bias = one.layers[-1].get_weights()
    two = network(outputs=2)
    two.layers[-1].set_weights([np.hstack([0 * kernel, kernel]), np.hstack([0 * bias, bias])])
    single = model(one, PENALTIES, losses.BinaryCrossentropy(from_logits=True), keras.optimizers.SGD(0.0), **quick)
    double = fit(model(two, PENALTIES, optimizer=keras.optimizers.SGD(0.0), **quick), x, y % 2)
    for name, values in fit(single, x, y % 2).items():
        np.testing.assert_allclose(values, double[name], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("flat", [True, False])
def test_regression(flat, data, network, model, fit):
    x, _ = data
    target = x[:, 0] - x[:, 1]
    gaussian = zoo.VirtualAdversarialTraining(0.1, distribution="gaussian", weight=0.1) + zoo.AdversarialTraining(0.1)
    trained = model(network(outputs=1), gaussian, "mse", metrics=["mae"])
    history = fit(trained, x, target if flat else target[:, None], epochs=30)
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    assert {"vat", "at", "mae"} < set(history)


def test_multilabel_penalties_are_sums_over_the_units(quick, data, network, model, fit):
    """A multi-label network is as many binary networks as it has units."""
    x, y = data
    labels = np.stack([y == 0, y > 0, y == 2], axis=-1).astype("float32")
    three, penalties = network(outputs=3), zoo.EntropyMinimization() + zoo.Smoothness(0.3, divergence="kl")
    kernel, bias = three.layers[-1].get_weights()
    found = fit(
        model(
            three, penalties, losses.BinaryCrossentropy(from_logits=True), optimizer=keras.optimizers.SGD(0.0), **quick
        ),
        x,
        labels,
        batch_size=24,
    )
    expected = []
    for unit in range(3):
        one = network(outputs=1)
        one.set_weights([*three.get_weights()[:-2], kernel[:, unit : unit + 1], bias[unit : unit + 1]])
        binary = model(one, penalties, losses.BinaryCrossentropy(from_logits=True), keras.optimizers.SGD(0.0), **quick)
        expected.append(fit(binary, x, labels[:, unit], batch_size=24))
    for penalty in ("entropy", "smoothness"):
        np.testing.assert_allclose(found[penalty], np.sum([each[penalty] for each in expected], axis=0), rtol=1e-4)


@pytest.mark.parametrize("loss", ["sparse", "multilabel"])
def test_dense_outputs_are_means_over_the_positions(loss, quick, data, model, fit):
    """A network that gives every position the same logits has the penalties of a network without positions."""
    x, y = data
    repeat = keras.layers.RepeatVector(4)

    def make(*end):
        keras.utils.set_random_seed(3)
        return keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(3), *end])

    labels = y if loss == "sparse" else np.eye(3, dtype="float32")[y]
    dense_labels = np.repeat(labels[:, None], 4, axis=1)
    loss = {"sparse": losses.SparseCategoricalCrossentropy, "multilabel": losses.BinaryCrossentropy}[loss]
    penalties = PENALTIES + zoo.EntropyMinimization() + zoo.JacobianPenalty() + zoo.Smoothness(0.2)
    found, expected = (
        fit(
            model(each, penalties, loss(from_logits=True), keras.optimizers.SGD(0.0), **quick),
            x,
            targets,
            batch_size=24,
        )
        for each, targets in ((make(repeat), dense_labels), (make(), labels))
    )
    assert {"vat", "at", "vmt_shift", "entropy", "jacobian", "smoothness"} < set(found)
    for penalty, values in expected.items():
        np.testing.assert_allclose(found[penalty], values, rtol=1e-4, err_msg=penalty)


def test_jacobian_of_too_many_logits(quick, data, model, fit):
    dense = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3), keras.layers.RepeatVector(400)])
    labels = np.repeat(data[1][:, None], 400, axis=1)
    with pytest.raises(ValueError, match="at most 1000 logits, received .*400, 3.*num_projections=1"):
        fit(model(dense, zoo.JacobianPenalty(), **quick), data[0], labels)
