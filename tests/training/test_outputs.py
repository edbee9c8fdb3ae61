"""Penalties and training do not depend on whether the network returns logits or probabilities."""

import keras
import numpy as np
import pytest
from keras import losses, ops

import zoo
from zoo.training.outputs import outputs_of, per_example_loss

PENALTIES = zoo.AdversarialTraining(0.5) + zoo.VirtualAdversarialTraining(1.0) + zoo.VirtualMovementTraining("shift")
RNG = np.random.default_rng(2)
LOGITS = RNG.normal(size=(8, 3)).astype("float32")
BINARY = LOGITS[:, :1]
LABELS = (np.arange(8) % 3).astype("int32")
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


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


def test_probability_zero_has_a_finite_logit():
    logits = outputs_of("sparse_categorical_crossentropy").to_logits(ops.convert_to_tensor([[1.0, 0.0]]))
    assert np.isfinite(ops.convert_to_numpy(logits)).all()


@pytest.mark.parametrize("loss", ["mse", "mean_absolute_error", losses.Huber()])
def test_other_losses_are_regression(loss):
    assert outputs_of(loss).kind == "regression"


def test_loss_of_each_example():
    expected = -np.log(softmax(LOGITS)[np.arange(8), LABELS])
    for loss, labels, outputs in [
        ("sparse_categorical_crossentropy", LABELS, softmax(LOGITS)),
        (losses.SparseCategoricalCrossentropy(from_logits=True), LABELS[:, None], LOGITS),
        (losses.CategoricalCrossentropy(from_logits=True, reduction="sum"), ONE_HOT, LOGITS),
    ]:
        each = per_example_loss(loss)(ops.convert_to_tensor(labels), ops.convert_to_tensor(outputs))
        np.testing.assert_allclose(each, expected, rtol=1e-4)


@pytest.mark.parametrize("loss", ["mse", losses.MeanSquaredError()])
def test_loss_of_each_example_of_one_unit_takes_flat_labels(loss):
    each = per_example_loss(loss)(ops.convert_to_tensor(LOGITS[:, 1]), ops.convert_to_tensor(BINARY))
    np.testing.assert_allclose(each, (LOGITS[:, 1] - BINARY[:, 0]) ** 2, rtol=1e-5)


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
    expected = fit(by_logits, x, targets(y))
    for other in others:
        history = fit(other, x, targets(y))
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
