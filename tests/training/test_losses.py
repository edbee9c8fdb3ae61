"""The loss of each example, and what a loss says about the outputs."""

import functools
import warnings

import keras
import numpy as np
import pytest
from keras import losses, ops

import zoo
from tests.support.numpy_reference import softmax
from zoo.training.losses import check_mean, nan_if_out_of_range, per_example_loss
from zoo.training.outputs import warn_of_guess

RNG = np.random.default_rng(2)
LOGITS = RNG.normal(size=(8, 3)).astype("float32")
BINARY = LOGITS[:, :1]
LABELS = (np.arange(8) % 3).astype("int32")
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


@pytest.mark.parametrize("labels, good", [([0, 2], True), ([[0], [2]], True), ([0, 3], False), ([-1, 0], False)])
def test_class_indices_out_of_range_are_nan(labels, good):
    added = float(nan_if_out_of_range(ops.convert_to_tensor(labels, "int32"), ops.zeros((2, 3))))
    assert added == 0.0 if good else np.isnan(added)


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


def test_loss_of_each_example_of_dense_outputs_is_the_mean_over_positions():
    outputs, labels = np.stack([LOGITS, 2 * LOGITS], axis=1), np.stack([LABELS, LABELS], axis=1)
    loss = per_example_loss(losses.SparseCategoricalCrossentropy(from_logits=True))
    expected = np.mean(-np.log(softmax(outputs))[np.arange(8), :, LABELS], axis=1)
    np.testing.assert_allclose(loss(ops.convert_to_tensor(labels), ops.convert_to_tensor(outputs)), expected, rtol=1e-5)


def scalar(labels, outputs):
    return ops.mean(losses.categorical_crossentropy(labels, outputs, from_logits=True))


def test_a_loss_that_returns_one_number_for_the_batch(data, network, fit):
    x, y = data
    trained = zoo.RegularizedModel(network(), zoo.AdversarialTraining(0.1), outputs="logits")
    trained.compile("sgd", scalar)
    with pytest.raises(ValueError, match=r"one value for each example, .*'scalar' returned a scalar, shape \(\)"):
        fit(trained, x, np.eye(3, dtype="float32")[y])


class Own(losses.Loss):
    def call(self, y_true, y_pred):
        return losses.sparse_categorical_crossentropy(y_true, y_pred)


class OwnCrossentropy(losses.CategoricalCrossentropy):
    pass


@pytest.mark.parametrize("loss, name", [(lambda y, p: y - p, "<lambda>"), (Own(), "Own"), (scalar, "scalar")])
def test_a_guess_is_not_silent(loss, name):
    with pytest.warns(UserWarning, match=f"The loss '{name}' does not say what the network returns.*outputs="):
        warn_of_guess(loss)


@pytest.mark.parametrize(
    "loss", ["mse", losses.Huber(), OwnCrossentropy(), functools.partial(losses.binary_crossentropy, from_logits=True)]
)
def test_keras_own_losses_are_no_guess(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_guess(loss)


def test_fit_warns_of_a_guess_only_if_penalties_depend_on_it(quick, data, network, fit):
    for regularizer, meaning, warned in (
        (zoo.VirtualAdversarialTraining(1.0), None, True),
        (zoo.VirtualAdversarialTraining(1.0), "probabilities", False),
        (None, None, False),
    ):
        trained = zoo.RegularizedModel(network(activation="softmax"), regularizer, outputs=meaning)
        trained.compile(keras.optimizers.SGD(0.1), Own(), **quick)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(trained, *data)
        assert any("does not say what the network returns" in str(each.message) for each in caught) is warned


@pytest.mark.parametrize(
    "loss",
    [
        losses.CategoricalCrossentropy(from_logits=True, axis=1),
        losses.SparseCategoricalCrossentropy(from_logits=True, axis=1),
        functools.partial(losses.categorical_crossentropy, from_logits=True, axis=1),
    ],
)
def test_classes_along_another_axis_are_refused(loss):
    with pytest.raises(ValueError, match="axis of the loss must be -1, received 1"):
        check_mean(loss)
    check_mean(losses.Dice(axis=(1, 2, 3)))  # no axis of classes
