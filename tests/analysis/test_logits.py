"""Networks that return probabilities or one unit are measured by their logits."""

import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import scipy.special
from keras import layers

import zoo
from zoo.analysis import Classifier, largest_fisher_eigenvalue, misclassified, penalty_values, predict_logits
from zoo.analysis.logits import outputs_kind, prediction_of

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
SERIES = np.random.default_rng(2).normal(size=(3, 5, 4)).astype("float32")


def with_weights(*tail, units=3, activation=None):
    """The same hidden layer and last kernel, whatever follows them."""
    rng = np.random.default_rng(1)
    network = keras.Sequential([keras.Input((4,)), layers.Dense(5, "tanh"), layers.Dense(units, activation), *tail])
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    return network


def functional(output):
    inputs = keras.Input((4,))
    return keras.Model(inputs, output(with_weights()(inputs)))


SOFTMAX = {
    "dense": lambda: with_weights(activation="softmax"),
    "activation": lambda: with_weights(layers.Activation("softmax")),
    "layer": lambda: with_weights(layers.Softmax()),
    "operation": lambda: functional(keras.ops.softmax),
    "nested": lambda: functional(layers.Softmax()),
    "wrapped": lambda: zoo.RegularizedModel(with_weights(activation="softmax")),
}


@pytest.mark.parametrize("kind", SOFTMAX)
def test_softmax_is_recognized(kind):
    network, logits = SOFTMAX[kind](), predict_logits(with_weights(), X)
    assert outputs_kind(network) == "probabilities"
    found = predict_logits(network, X)
    np.testing.assert_allclose(keras.ops.log_softmax(found), keras.ops.log_softmax(logits), rtol=1e-5, atol=1e-5)


def test_measures_of_a_softmax_are_those_of_its_logits():
    regularizer = zoo.VirtualAdversarialTraining(0.5)
    plain, softmax = with_weights(), with_weights(layers.Softmax())
    np.testing.assert_allclose(
        penalty_values(softmax, X, regularizer), penalty_values(plain, X, regularizer), rtol=1e-3
    )
    np.testing.assert_allclose(largest_fisher_eigenvalue(softmax, X), largest_fisher_eigenvalue(plain, X), rtol=1e-3)


@pytest.mark.parametrize("activation, kind", [("sigmoid", None), ("sigmoid", "probabilities"), (None, "binary_logits")])
def test_one_unit_decides_between_two_classes(activation, kind):
    network, labels = with_weights(units=1, activation=activation), np.array([0, 1, 0, 1, 1, 0])
    unit = with_weights(units=1).predict(X, verbose=0)[:, 0]
    classifier = Classifier(network, outputs=kind)
    logits = predict_logits(classifier, X)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], unit, rtol=1e-5)
    np.testing.assert_array_equal(misclassified(classifier, X, labels), (unit > 0) != labels)
    if activation:
        np.testing.assert_array_equal(misclassified(network, X, labels), (unit > 0) != labels)


def test_a_confident_sigmoid_keeps_its_logit():
    network = with_weights(units=1, activation="sigmoid")
    network.set_weights([100 * w for w in network.get_weights()])
    logits = keras.ops.convert_to_numpy(predict_logits(network, X))
    assert np.abs(logits).max() > 100  # its probability rounds to 1
    assert network.layers[-1].activation is keras.activations.sigmoid


@pytest.mark.parametrize(
    "loss, units, kind",
    [
        (keras.losses.BinaryCrossentropy(from_logits=True), 1, "binary_logits"),
        ("binary_crossentropy", 1, "binary_probabilities"),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), 3, "logits"),
        ("sparse_categorical_crossentropy", 3, "probabilities"),
        ("mse", 3, "logits"),
    ],
)
def test_a_linear_last_layer_leaves_it_to_the_loss(loss, units, kind):
    model = zoo.RegularizedModel(with_weights(units=units))
    model.compile("sgd", loss)
    assert outputs_kind(model) == kind


def test_what_a_model_says_of_its_outputs_counts():
    def own(labels, outputs):
        return keras.losses.sparse_categorical_crossentropy(labels, outputs)

    model = zoo.RegularizedModel(with_weights(), outputs="probabilities")
    model.compile("sgd", own)
    assert outputs_kind(model) == "probabilities"
    several = zoo.RegularizedModel(with_weights(), outputs="multilabel_logits")
    several.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    assert outputs_kind(several) == "multilabel_logits"


@pytest.mark.parametrize(
    "activation, loss, kind",
    [
        ("sigmoid", None, None),
        (None, "binary_crossentropy", None),
        (None, keras.losses.BinaryCrossentropy(from_logits=True), None),
        (None, None, "binary_logits"),
        (None, None, "multilabel_logits"),
        ("sigmoid", None, "binary_probabilities"),
    ],
)
def test_several_binary_units_decide_alone(activation, loss, kind):
    network = with_weights(activation=activation)
    expected = keras.ops.convert_to_numpy(with_weights()(X))
    if loss == "binary_crossentropy":  # of probabilities, which a layer before the last one computes
        network = with_weights(layers.Activation("sigmoid"), layers.Identity())
    if loss is not None:
        network.compile("sgd", loss)
    prediction = Classifier(network, outputs=kind).predict(X)
    assert prediction.distribution == "bernoulli" and not prediction.decides_once
    np.testing.assert_allclose(prediction.logits, expected, rtol=1e-3, atol=1e-3)


def test_the_head_that_penalties_look_at_is_measured():
    network, inputs = with_weights(), keras.Input((4,))
    logits = network(inputs)
    model = zoo.RegularizedModel(keras.Model(inputs, {"cls": logits, "sum": 2 * logits}), output="cls")
    model.compile("sgd", {"cls": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "sum": "mse"})
    np.testing.assert_allclose(predict_logits(model, X), keras.ops.convert_to_numpy(network(X)), rtol=1e-6)


@pytest.mark.parametrize("head, activation, kind", [("cls", "softmax", "probabilities"), (1, None, "binary_logits")])
def test_a_head_of_a_plain_network_is_named(head, activation, kind):
    inputs = keras.Input((4,))
    outputs = {"cls": layers.Dense(3, "softmax", name="cls")(inputs), "label": layers.Dense(1, name="label")(inputs)}
    network = keras.Model(inputs, outputs)
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    network.compile("sgd", {"cls": "sparse_categorical_crossentropy", "label": binary})
    classifier = Classifier(network, output=head)
    assert classifier.outputs == kind
    probabilities, found = keras.ops.softmax(classifier(X)), list(network(X).values())
    expected = found[0] if head == "cls" else keras.ops.sigmoid(found[1])
    np.testing.assert_allclose(probabilities[:, -expected.shape[1] :], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="output='cls'"):
        predict_logits(network, X)
    with pytest.raises(ValueError, match="Unknown output 'cl'. Did you mean 'cls'"):
        Classifier(network, output="cl")


def test_outputs_without_a_decision_are_refused():
    with pytest.raises(ValueError, match="at least 2 classes, received 1.*Classifier"):
        misclassified(with_weights(units=1), X, np.zeros(6, int))
    with pytest.raises(ValueError, match="at least 2 classes, received 1"):
        zoo.analysis.loss_gradient(with_weights(units=1), X, np.zeros(6, int))
    with pytest.raises(ValueError, match="at least 2 classes, received 1"):
        largest_fisher_eigenvalue(with_weights(units=1), X)
    with pytest.raises(ValueError, match="Unknown outputs 'logit'. Did you mean 'logits'"):
        Classifier(with_weights(), outputs="logit")


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_a_last_activation_that_the_network_also_uses_elsewhere_stays(kind):
    activation, inputs = layers.Activation(kind), keras.Input((4,))
    gate = activation(layers.Dense(4)(inputs))
    outputs = activation(layers.Dense(3)(layers.Multiply()([gate, inputs])))
    network = keras.Model(inputs, outputs)
    to_probabilities = {"softmax": keras.ops.softmax, "sigmoid": keras.ops.sigmoid}[kind]
    found = to_probabilities(predict_logits(network, X))
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(network(X)), rtol=1e-5)


class Gate(layers.Layer):
    """Stops a call until another thread lets it go on."""

    def __init__(self):
        super().__init__()
        self.armed, self.reached, self.open = False, threading.Event(), threading.Event()

    def call(self, x):
        if self.armed:
            self.armed = False
            self.reached.set()
            assert self.open.wait(30)
        return x


@pytest.fixture
def threads():
    with ThreadPoolExecutor() as executor:
        yield executor


@pytest.fixture
def gated(threads):
    """A softmax network, its gate, its logits, and a measurement in another thread that waits at the gate."""
    gate = Gate()
    network = keras.Sequential([keras.Input((4,)), gate, layers.Dense(3, "softmax")])
    logits, gate.armed = np.asarray(predict_logits(network, X)), True
    measurement = threads.submit(prediction_of, network, X, "probabilities")
    assert gate.reached.wait(30)
    yield network, gate, logits, measurement
    gate.open.set()


def test_another_thread_predicts_probabilities_in_the_meantime(gated):
    network, gate, logits, measurement = gated
    np.testing.assert_allclose(np.asarray(network(X)), scipy.special.softmax(logits, axis=-1), rtol=1e-5)
    gate.open.set()
    np.testing.assert_allclose(np.asarray(measurement.result().logits), logits, rtol=1e-5)


def test_another_thread_measures_the_same_network_in_the_meantime(gated):
    network, gate, logits, measurement = gated
    assert outputs_kind(network) == "probabilities"
    np.testing.assert_allclose(np.asarray(predict_logits(network, X)), logits, rtol=1e-5)
    gate.open.set()
    np.testing.assert_allclose(np.asarray(measurement.result().logits), logits, rtol=1e-5)
    assert network.layers[-1].activation is keras.activations.softmax


def test_a_softmax_inside_a_recurrent_layer_leaves_it_to_the_loss():
    network = keras.Sequential([keras.Input((5, 4)), layers.LSTM(3, activation="softmax")])
    outputs = np.asarray(network(SERIES))
    np.testing.assert_allclose(np.asarray(predict_logits(network, SERIES)), outputs, rtol=1e-5)
    network.compile(loss=keras.losses.SparseCategoricalCrossentropy())
    np.testing.assert_allclose(np.asarray(predict_logits(network, SERIES)), np.log(outputs), rtol=1e-5)
