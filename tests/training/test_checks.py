"""Bad input is refused at the first step at the latest, with the value received and what is allowed."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from tests.support.small_models import Pairs
from zoo.training.checks import as_array, check_arrays
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
    "one_hot": (lambda y: np.eye(3, dtype="int32")[y], "one-hot labels of shape \\(24, 3\\).* CategoricalCrossentropy"),
    "one_hot_floats": (lambda y: np.eye(3)[y], "received one-hot labels .* SparseCategoricalCrossentropy takes"),
    "two_columns": (lambda y: np.stack([y, y], axis=1), "shape \\(24,\\), received \\(24, 2\\)"),
    "unlabeled": (lambda y: spoil(y, 3, -1), "received -1 .* by zoo.datasets.SemiSupervised"),
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
        check_arrays("training", inputs, labels, SPARSE, (None, 3))
        check_arrays("training", inputs, labels, SPARSE, None)
    check_arrays("training", np.ones((3, 2)), np.ones(3) / 2, outputs_of("mse"), (None, 1))
    check_arrays("training", (batch for batch in ()), None, SPARSE, (None, 3))


def test_labels_that_are_one_number():
    with pytest.raises(ValueError, match=r"training labels must be an array with one label per input, .* shape \(\)"):
        check_arrays("training", np.ones((3, 2)), np.array(1), SPARSE, (None, 3))


def test_labels_of_an_unknown_loss_are_finite_and_as_many_as_inputs():
    check_arrays("training", np.ones((3, 2)), np.array([-7.5, 0, 9]), None, (None, 3))
    with pytest.raises(ValueError, match="training labels hold 1 NaN"):
        check_arrays("training", np.ones((3, 2)), np.array([np.nan, 0, 9]), None, (None, 3))
    with pytest.raises(ValueError, match="received 3 training inputs and 2 labels"):
        check_arrays("training", np.ones((3, 2)), np.ones(2), None, (None, 3))


def test_labels_of_a_binary_loss_for_an_unknown_shape():
    binary = outputs_of("binary_crossentropy")
    for labels in (np.ones(3), np.ones((3, 4)), np.full((3, 2, 2), 0.5)):
        check_arrays("training", np.ones((3, 2)), labels, binary, None)
    with pytest.raises(ValueError, match=r"training labels must be 0 to 1, received 2.0 \(1 out of range\)"):
        check_arrays("training", np.ones((3, 2)), np.array([0.0, 1.0, 2.0]), binary, None)


def two_outputs():
    inputs = keras.Input((6,))
    return keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(3)(inputs)])


BAD_NETWORKS = {
    "two_outputs": (two_outputs, "one output, or you name the one .*, received 2 outputs .*output="),
    "no_units": (
        lambda: keras.Sequential([keras.Input((6,)), layers.Dense(1), layers.Reshape(())]),
        r"\(batch, units\).* with at least 2 units, received .*\(\w*,\)",
    ),
    "one_unit": (
        lambda: keras.Sequential([keras.Input((6,)), layers.Dense(1)]),
        r"\(batch, units\).* with at least 2 units, received .*1\)",
    ),
}


@pytest.mark.parametrize("case", BAD_NETWORKS)
def test_networks(case, data, model, fit):
    make, message = BAD_NETWORKS[case]
    with pytest.raises(ValueError, match=message):
        fit(model(make(), VAT), *data)


@pytest.mark.parametrize(
    "units, labels, message",
    [
        (3, lambda y: y % 2, r"shape \(24, 3\), received \(24,\)"),
        (1, lambda y: y % 2 + 1, r"0 to 1, received 2 \(8 out of range\)"),
        (1, lambda y: 2 * (y % 2) - 1, r"0 to 1, received -1"),
        (3, lambda y: 2.0 * np.eye(3)[y] - 1, r"0 to 1, received -1"),
    ],
)
def test_labels_of_binary_losses(units, labels, message, data, network, model, fit):
    x, y = data
    with pytest.raises(ValueError, match=f"training labels must .*{message}"):
        fit(model(network(outputs=units), VAT, "binary_crossentropy"), x, labels(y))


@pytest.mark.parametrize("loss", ["mse", "categorical_crossentropy", "binary_crossentropy"])
def test_labels_that_are_not_finite(loss, data, network, model, fit):
    x, y = data
    with pytest.raises(ValueError, match="training labels hold 1 NaN or infinite entries, the first in example 5"):
        fit(model(network(activation="softmax"), VAT, loss), x, spoil(np.eye(3)[y], (5, 1), np.nan))


class Counted(Pairs):
    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


def test_the_checks_read_one_batch_of_a_data_set(data, network, model):
    """And no more, because reading may be slow."""
    plain, checked = network(), model(network())
    plain.compile("sgd", checked.loss)
    reads = []
    for each in (plain, checked):
        pairs = Counted(*data)
        each.fit(pairs, epochs=2, verbose=0)
        reads.append(pairs.reads)
    assert reads[1] == reads[0] + 1


def tf_data(x, y):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(8)


@pytest.mark.parametrize("wrap", [Pairs, tf_data])
def test_the_first_batch_of_a_data_set(wrap, data, network, model, fit):
    x, y = data
    for bad, message in (
        ((x, spoil(y, 1, -1)), "labels must be 0 to 2, received -1"),
        ((x, spoil(y, 1, 3)), "labels must be 0 to 2, received 3"),
        ((x, np.eye(3)[y]), "labels must be class indices, received one-hot labels of shape"),
        ((spoil(x, (2, 0), np.nan), y), "inputs hold 1 NaN or infinite entries, the first in example 2"),
    ):
        with pytest.raises(ValueError, match=f"training {message}"):
            fit(model(network(), VAT), wrap(*bad))
    assert np.isfinite(fit(model(network(), VAT), wrap(x, y))["loss"]).all()


class Frame:
    """As pandas has it: values of its own, that NumPy can read."""

    def __init__(self, values, dtype=None):
        self.values, self.shape, self.dtype = values, np.shape(values), dtype

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype or self.dtype)


def test_frames_are_checked_like_arrays(data):
    x, y = data
    np.testing.assert_array_equal(as_array(Frame([1, None], object)), [1, np.nan])
    assert as_array(Frame(["a"], object)).dtype == object and as_array([1, 2]) is None
    check_arrays("training", Frame(x), Frame(y), SPARSE, (None, 3))
    with pytest.raises(ValueError, match="labels must be 0 to 2, received -1"):
        check_arrays("training", Frame(x), Frame(y - 1), SPARSE, (None, 3))
    with pytest.raises(ValueError, match="inputs hold 1 NaN"):
        check_arrays("training", Frame(spoil(x, (0, 0), np.nan)), Frame(y), SPARSE, (None, 3))


def test_frames_of_pandas(data, network, model, fit):
    pandas = pytest.importorskip("pandas")
    x, y = data
    with pytest.raises(ValueError, match="labels must be 0 to 2, received -1"):
        fit(model(network(), VAT), pandas.DataFrame(x), pandas.Series(y - 1))
    fit(model(network(), VAT), pandas.DataFrame(x), pandas.Series(y))


def test_class_indices_of_dense_outputs():
    labels = np.zeros((4, 5), "int32")
    for good in (labels, labels[..., None]):
        check_arrays("training", np.ones((4, 2)), good, SPARSE, (None, 5, 3))
        check_arrays("training", np.ones((4, 2)), good, SPARSE, (None, None, 3))
    with pytest.raises(ValueError, match=r"shape \(4, 5\), received \(4,\)"):
        check_arrays("training", np.ones((4, 2)), labels[:, 0], SPARSE, (None, 5, 3))


@pytest.mark.parametrize("built", [True, False])
def test_predict_takes_a_batch(built, data, network, model, fit):
    x, _ = data
    trained = model(network(), VAT)
    if built:
        trained.build((None, 6))
    for bad, message in ((x[:0], r"at least one example, received shape \(0, 6\)"), (x[0], r"pass x\[None\]")):
        with pytest.raises(ValueError, match=message):
            trained.predict(bad, verbose=0)
    assert trained.predict(x[0][None], verbose=0).shape == (1, 3)


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
