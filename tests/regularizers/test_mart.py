"""MART against NumPy, in value and gradient, and the forms of labels that it takes."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.perceptron import cross_entropy_of
from zoo.regularizers import AdversarialTraining, Mart
from zoo.regularizers.math.divergences import boosted_cross_entropy

RNG = np.random.default_rng(8)
X, CLASSES = RNG.normal(size=(6, 5)), np.array([0, 1, 2, 1, 0, 2])
TARGETS = np.eye(3)[CLASSES]


def values(tensor):
    return ops.convert_to_numpy(tensor)


def boosted(p):
    others = np.where(TARGETS == 1, -1, p).max(axis=-1)
    return -np.log(p[TARGETS == 1]) - np.log(1 - others)


@pytest.fixture
def passes(clean_pass, perceptron):
    """The pass over the first 4 labeled inputs, as a function of the weights; and the network."""
    mlp = perceptron()

    def at(w=None):
        return clean_pass(
            lambda x: mlp.tensors(x, w), X, cross_entropy_of(TARGETS), targets_of=lambda: ops.convert_to_tensor(TARGETS)
        )

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


FORMS = {
    "sparse": (keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES, None, 3),
    "column": (keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES[:, None], None, 3),
    "one_hot": (keras.losses.CategoricalCrossentropy(from_logits=True), TARGETS, None, 3),
    "probabilities": (keras.losses.SparseCategoricalCrossentropy(), CLASSES, "softmax", 3),
    "own_loss": (lambda y, h: keras.losses.sparse_categorical_crossentropy(y, h, True), CLASSES[:, None], None, 3),
    "binary": (keras.losses.BinaryCrossentropy(from_logits=True), CLASSES % 2, None, 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_labels(form, softmax):
    """At ε = 0 the divergence is 0; at a large one it is not, so that its weights 1 − p_y count."""
    loss, labels, activation, units = FORMS[form]
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(units, activation=activation)])
    method = Mart(0.5, num_steps=1, random_start=False, divergence_weight=2.0)
    own = {"outputs": "logits"} if form == "own_loss" else {}
    model = zoo.RegularizedModel(network, method, **own)
    model.compile("sgd", loss, run_eagerly=True)
    weights, targets = network.get_weights()[0], TARGETS if units > 1 else np.eye(2)[CLASSES % 2]

    def predicted(x):
        outputs = values(network(x.astype("float32"))).astype("float64")
        if units == 1:
            outputs = np.concatenate([0 * outputs, outputs], axis=-1)
        return outputs if activation else softmax(outputs)

    p = predicted(X)
    by_logits = p - targets
    slope = (by_logits[:, 1:] if units == 1 else by_logits) @ weights.T
    q = predicted(X + 0.5 * np.sign(slope))
    kl, found = np.sum(p * np.log(p / q), axis=-1), q[targets == 1]
    others = np.where(targets == 1, -1, q).max(axis=-1)
    expected = -np.log(found) - np.log(1 - others) + 2 * kl * (1 - p[targets == 1])
    history = model.fit(X, labels, batch_size=6, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["mart"][0], expected.mean(), rtol=1e-4)
    assert np.mean(kl) > 0.01


def test_positions_count_as_examples_do():
    """A text of two words has the mean of the penalties of two texts of one word."""
    network = keras.Sequential([keras.Input((None, 5)), keras.layers.Dense(3)])
    method = Mart(0.5, num_steps=1, random_start=False)
    texts, words = X[:, None].astype("float32"), X.reshape(3, 2, 5).astype("float32")
    alone = zoo.analysis.penalty_values(network, texts, method, CLASSES[:, None])
    together = zoo.analysis.penalty_values(network, words, method, CLASSES.reshape(3, 2))
    np.testing.assert_allclose(together, alone.reshape(3, 2).mean(axis=1), rtol=1e-5)


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


def test_the_largest_entry_of_soft_labels_is_the_class():
    soft = 0.4 * TARGETS + 0.2
    logits = RNG.normal(size=(6, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    others = np.where(TARGETS == 1, -1, p).max(axis=-1)
    expected = -np.sum(soft * np.log(p), axis=-1) - np.log(1 - others)
    found = boosted_cross_entropy(ops.convert_to_tensor(logits), ops.convert_to_tensor(soft))
    np.testing.assert_allclose(values(found), expected, rtol=1e-10)
