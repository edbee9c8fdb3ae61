"""Bad input is refused at the first step at the latest, with the value received and what is allowed."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.regularizers.math.worst_directions import check_xi
from zoo.training.checks import check_arrays
from zoo.training.outputs import outputs_of

VAT = zoo.VirtualAdversarialTraining(1.0)
SPARSE = outputs_of("sparse_categorical_crossentropy")


def spoil(array, index, value):
    array = array.copy()
    array[index] = value
    return array


BAD_LABELS = {
    "too_large": (lambda y: spoil(y, 3, 7), "must be 0 to 2, received 7 \\(1 out of range\\)"),
    "negative": (lambda y: spoil(y, slice(2, 4), -1), "must be 0 to 2, received -1 \\(2 out of range\\)"),
    "float": (lambda y: y.astype("float32"), "integer class indices, received dtype float32"),
    "one_hot": (lambda y: np.eye(3, dtype="int32")[y], "shape \\(24,\\), received \\(24, 3\\)"),
    "too_short": (lambda y: y[:-1], "24 .* inputs and 23 labels"),
}
BAD_INPUTS = {
    "nan": (lambda x: spoil(x, (5, 2), np.nan), "1 NaN or infinite entries, the first in example 5"),
    "infinite": (lambda x: spoil(x, slice(4, 6), -np.inf), "12 NaN or infinite entries, the first in example 4"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
@pytest.mark.parametrize("role", ["training", "validation"])
def test_labels(case, role, data, network, model, fit):
    x, y = data
    spoilt, message = BAD_LABELS[case]
    bad = (x, spoilt(y))
    with pytest.raises(ValueError, match=f"{role}.*{message}" if case != "too_short" else message):
        fit(model(network(), VAT), *(bad if role == "training" else data), validation_data=bad)


@pytest.mark.parametrize("case", BAD_INPUTS)
@pytest.mark.parametrize("role", ["training", "validation"])
def test_inputs(case, role, data, network, model, fit):
    x, y = data
    spoilt, message = BAD_INPUTS[case]
    bad = (spoilt(x), y)
    with pytest.raises(ValueError, match=f"{role} inputs hold {message}"):
        fit(model(network(), VAT), *(bad if role == "training" else data), validation_data=bad)


def test_batches_are_checked_too(data, network, model, fit):
    x, y = data
    for batches in (
        zoo.datasets.Batches(x, y + 1, 8),
        zoo.datasets.SemiSupervised(x, y + 1, x, batch_size=8, unlabeled_batch_size=8),
    ):
        with pytest.raises(ValueError, match="training labels must be 0 to 2, received 3"):
            fit(model(network(), VAT), batches)


@pytest.mark.parametrize("labels", [np.arange(3), np.arange(3)[:, None], np.arange(3).astype("uint8")])
def test_good_arrays_pass(labels):
    for inputs in (np.ones((3, 2)), np.ones((3, 2), "uint8"), keras.ops.ones((3, 2))):
        check_arrays("training", inputs, labels, SPARSE, 3)
        check_arrays("training", inputs, labels, SPARSE, None)
    check_arrays("training", np.ones((3, 2)), np.ones(3) / 2, outputs_of("mse"), 1)
    check_arrays("training", (batch for batch in ()), None, SPARSE, 3)


def two_outputs():
    inputs = keras.Input((6,))
    return keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(3)(inputs)])


BAD_NETWORKS = {
    "two_outputs": (two_outputs, "one output, received 2 outputs"),
    "rank_3": (
        lambda: keras.Sequential([keras.Input((6,)), layers.Reshape((2, 3)), layers.Dense(3)]),
        r"\(batch, units\) with at least 2 units, received .*2, 3\)",
    ),
    "one_unit": (
        lambda: keras.Sequential([keras.Input((6,)), layers.Dense(1)]),
        r"\(batch, units\) with at least 2 units, received .*1\)",
    ),
}


@pytest.mark.parametrize("case", BAD_NETWORKS)
def test_networks(case, data, model, fit):
    make, message = BAD_NETWORKS[case]
    with pytest.raises(ValueError, match=message):
        fit(model(make(), VAT), *data)


def test_binary_loss_wants_one_unit(data, network, model, fit):
    x, y = data
    with pytest.raises(ValueError, match=r"binary loss .* with 1 units, received .*3\)"):
        fit(model(network(), VAT, "binary_crossentropy"), x, y % 2)


@pytest.mark.parametrize("loss", [None, ["mse"], {"out": "mse"}])
def test_one_loss(loss, data, network, fit):
    trained = zoo.RegularizedModel(network(), VAT)
    trained.compile("sgd", loss)
    with pytest.raises(ValueError, match="one loss .* received loss="):
        fit(trained, *data)


@pytest.mark.parametrize("regularizer", ["vat", 0.1, zoo.VirtualAdversarialTraining, keras.regularizers.L2(0.1)])
def test_regularizer(regularizer, network):
    with pytest.raises(TypeError, match="Regularizer or None, received"):
        zoo.RegularizedModel(network(), regularizer)


def test_xi_is_checked_in_the_coarser_type():
    inputs = keras.ops.zeros((2, 8), "float32")
    with pytest.raises(ValueError, match="lost in rounding: in float32"):
        check_xi(1e-6, inputs, "float64")
    check_xi(1e-5, inputs, "float64")


def test_xi_that_rounding_would_swallow(data, network, model, fit):
    with pytest.raises(ValueError, match="xi=1e-08 is lost in rounding: in float32.*at least"):
        fit(model(network(), zoo.VirtualAdversarialTraining(1.0, xi=1e-8)), *data)
