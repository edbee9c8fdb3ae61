"""MART against NumPy, in value and gradient, and the forms of labels that it takes."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.regularizers import AdversarialTraining, Mart
from zoo.regularizers.mart import boosted_cross_entropy

RNG = np.random.default_rng(8)
X, CLASSES = RNG.normal(size=(6, 5)), np.array([0, 1, 2, 1, 0, 2])
TARGETS = np.eye(3)[CLASSES]


def values(tensor):
    return ops.convert_to_numpy(tensor)


def losses(logits):
    return -ops.sum(ops.convert_to_tensor(TARGETS) * ops.log_softmax(logits), axis=-1)


def boosted(p):
    others = np.where(TARGETS == 1, -1, p).max(axis=-1)
    return -np.log(p[TARGETS == 1]) - np.log(1 - others)


@pytest.fixture
def passes(clean_pass, perceptron):
    """The pass over the first 4 labeled inputs, as a function of the weights; and the network."""
    mlp = perceptron()

    def at(w=None):
        return clean_pass(lambda x: mlp.tensors(x, w), X, losses, targets_of=lambda: ops.convert_to_tensor(TARGETS))

    return mlp, at


@pytest.mark.parametrize("options", [{"divergence_weight": 3.0}, {"random_start": False, "norm": "l2"}])
def test_value_and_gradient_through_all_three_predictions(options, passes, gradient, difference, softmax):
    (mlp, at), method = passes, Mart(0.5, num_steps=4, **options)
    # The random start is the first draw, so the same generator draws it again.
    worst = values(method.perturbed_inputs(at()))

    def reference(w):
        p, q = softmax(mlp(X, w)), softmax(mlp(worst, w))
        kl = np.sum(p * np.log(p / q), axis=-1)
        return np.mean(boosted(q) + method.divergence_weight * kl * (1 - p[TARGETS == 1]))

    np.testing.assert_allclose(values(method.penalty(at())), reference(mlp.w), rtol=1e-6)
    actual = gradient(lambda w: ops.sum(method.at(at(w), worst)) / len(X), mlp.w)
    np.testing.assert_allclose(actual, difference(reference, mlp.w), rtol=1e-4, atol=1e-7)


def test_the_attack_is_that_of_adversarial_training(passes):
    _, at = passes
    options = {"norm": "linf", "num_steps": 3, "random_start": True, "input_range": (-1.0, 1.0)}
    both = [values(each(0.4, **options).perturbed_inputs(at())) for each in (Mart, AdversarialTraining)]
    np.testing.assert_array_equal(*both)


def test_the_boosted_loss_keeps_its_digits_where_the_network_is_sure():
    # −log(1 − p) of the other class is its logit minus that of the label, up to the third class: no 1 − 1.
    wrong = boosted_cross_entropy(np.array([[0.0, 80.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(values(wrong), [80 + 80 - np.log(2)], rtol=1e-6)
    right = boosted_cross_entropy(np.array([[0.0, 80.0]]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(values(right), [0.0], atol=1e-9)


def test_two_classes_count_the_label_twice(softmax):
    logits, targets = RNG.normal(size=(4, 2)), np.eye(2)[[0, 1, 1, 0]]
    np.testing.assert_allclose(
        values(boosted_cross_entropy(logits, targets)), -2 * np.log(softmax(logits)[targets == 1]), rtol=1e-6
    )


FORMS = {
    "sparse": (keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES, None, 3),
    "column": (keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES[:, None], None, 3),
    "one_hot": (keras.losses.CategoricalCrossentropy(from_logits=True), TARGETS, None, 3),
    "probabilities": (keras.losses.SparseCategoricalCrossentropy(), CLASSES, "softmax", 3),
    "binary": (keras.losses.BinaryCrossentropy(from_logits=True), CLASSES % 2, None, 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_labels(form, softmax):
    loss, labels, activation, units = FORMS[form]
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(units, activation=activation)])
    model = zoo.RegularizedModel(network, Mart(0.0, num_steps=1, divergence_weight=0.0))
    model.compile("sgd", loss, run_eagerly=True)
    outputs = values(network(X.astype("float32")))
    if units == 1:
        p = softmax(np.concatenate([0 * outputs, outputs], axis=-1))
        expected = -2 * np.log(p[np.arange(6), CLASSES % 2])
    else:
        expected = boosted(outputs if activation else softmax(outputs))
    history = model.fit(X, labels, batch_size=6, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["mart"][0], expected.mean(), rtol=1e-4)


def test_it_measures_a_trained_network(softmax):
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    method = Mart(0.0, num_steps=1, divergence_weight=0.0)
    for labels in (CLASSES, TARGETS):
        found = zoo.analysis.penalty_values(network, X.astype("float32"), method, labels)
        np.testing.assert_allclose(found, boosted(softmax(values(network(X.astype("float32"))))), rtol=1e-4)
    with pytest.raises(ValueError, match="needs labels, received labels=None"):
        zoo.analysis.penalty_values(network, X.astype("float32"), method)


@pytest.mark.parametrize("loss, kind", [("mse", "regression"), ("binary_crossentropy", "multilabel")])
def test_outputs_without_one_class_are_refused(loss, kind):
    activation = "sigmoid" if kind == "multilabel" else None
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, activation=activation)])
    model = zoo.RegularizedModel(network, Mart(0.1))
    model.compile("sgd", loss, run_eagerly=True)
    with pytest.raises(ValueError, match=f"labels of one class per example, received {kind} outputs"):
        model.fit(X, TARGETS, verbose=0)


def test_arguments():
    with pytest.raises(ValueError, match="divergence_weight must be at least 0, received -1"):
        Mart(0.1, divergence_weight=-1.0)
    with pytest.raises(ValueError, match="Unknown norm 'sign'"):
        Mart(0.1, norm="sign")
