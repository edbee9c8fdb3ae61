"""Labels: the same checks in every measure and attack, and padding."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.analysis import (
    Classifier,
    loss_gradient,
    misclassified,
    misclassified_under_attack,
    penalty_values,
    worst_movement_changes,
    worst_movements,
)
from zoo.analysis.labels import losses_of
from zoo.analysis.logits import Prediction

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4, 2)).astype("float32")
DENSE = keras.Sequential([keras.Input((4, 2)), layers.Dense(3)])  # classes of 4 positions
GIVEN = {
    "misclassified": lambda y: misclassified(DENSE, X, y),
    "loss gradient": lambda y: loss_gradient(DENSE, X, y),
    "penalty": lambda y: penalty_values(DENSE, X, zoo.AdversarialTraining(0.1), y),
    "movement change": lambda y: worst_movement_changes(DENSE, X, y, ["shift"]),
    "movement": lambda y: worst_movements(DENSE, X, y, "shift"),
    "sign": lambda y: misclassified_under_attack(DENSE, X, y, "sign", 0.1),
    "pgd": lambda y: zoo.analysis.projected_gradient_descent(DENSE, X, y, 0.1, norm="linf"),
    "apgd": lambda y: zoo.analysis.auto_pgd(DENSE, X, y, 0.1, norm="linf", num_steps=1),
    "square": lambda y: zoo.analysis.square(DENSE, X, y, 0.1, norm="linf", num_queries=1),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_every_measure_and_attack_checks_labels(given):
    labels = RNG.integers(0, 3, (3, 4))
    given(labels)
    with pytest.raises(ValueError, match="given labels must be 0 to 2, received 7"):
        given(np.where(labels == labels[0, 0], 7, labels))
    with pytest.raises(ValueError, match=r"given labels must have shape \(3, 4\), received \(3,\)"):
        given(labels[:, 0])


def test_labels_of_one_output_in_a_dictionary():
    network = keras.Sequential([keras.Input((2,)), layers.Dense(3, name="cls")])
    x, y = X[:, 0], np.array([0, 1, 2])
    for measure in (misclassified, loss_gradient):
        np.testing.assert_array_equal(measure(network, x, {"cls": y}), measure(network, x, y))
    attacked = misclassified_under_attack(network, x, {"cls": y}, "sign", 0.1)
    np.testing.assert_array_equal(attacked, misclassified_under_attack(network, x, y, "sign", 0.1))
    moved = zoo.analysis.auto_pgd(network, x, {"cls": y}, 0.1, seed=0, norm="l2", num_steps=2)
    np.testing.assert_array_equal(moved, zoo.analysis.auto_pgd(network, x, y, 0.1, seed=0, norm="l2", num_steps=2))
    with pytest.raises(ValueError, match=r"received labels of \['cls', 'box'\]. Pass .*output='cls'"):
        misclassified(network, x, {"cls": y, "box": y})


def test_labels_of_the_output_that_is_measured():
    x = keras.Input((2,))
    network = keras.Model(x, {"cls": layers.Dense(3, name="cls")(x), "box": layers.Dense(2, name="box")(x)})
    labels = {"cls": np.array([0, 1, 2]), "box": np.array([0, 1, 1])}
    classifier = Classifier(network, output="box")
    expected = misclassified(classifier, X[:, 0], labels["box"])
    np.testing.assert_array_equal(misclassified(classifier, X[:, 0], labels), expected)
    with pytest.raises(ValueError, match=r"outputs \['cls', 'box'\].*Classifier\(network, output='cls'\)"):
        misclassified(network, X[:, 0], labels["cls"])


@pytest.mark.parametrize(
    "distribution, labels, wanted",
    [
        ("categorical", (2,), r"\(n, 4\), received \(2,\)"),
        ("categorical", (2, 4, 2), r"\(n, 4\), received \(2, 4, 2\)"),
        ("bernoulli", (2, 4), r"\(n, 4, 3\), received \(2, 4\)"),
    ],
)
def test_losses_need_a_label_for_every_decision(distribution, labels, wanted):
    prediction = Prediction(np.zeros((2, 4, 3), "float32"), distribution)
    with pytest.raises(ValueError, match=rf"Outputs of shape \(2, 4, 3\) need labels of shape {wanted}"):
        losses_of(prediction, np.zeros(labels, "int32"))


@pytest.mark.parametrize("labels", [[0, 3, 1], [0, -1, 1], [0.0, 3.0, 1.0]])
def test_labels_that_are_no_class_are_refused(labels):
    network, x = keras.Sequential([keras.Input((2,)), layers.Dense(3)]), X[:, 0]
    for measure in (
        lambda: misclassified(network, x, labels),
        lambda: misclassified_under_attack(network, x, labels, "sign", 0.1),
        lambda: zoo.analysis.generalization_gap(network, (x, labels), (x, labels), measure="loss"),
    ):
        with pytest.raises(ValueError, match=r"labels must be 0 to 2, received (3|-1)"):
            measure()


def test_class_indices_may_be_whole_numbers_of_any_type():
    network, x = keras.Sequential([keras.Input((2,)), layers.Dense(3)]), X[:, 0]
    expected = misclassified(network, x, [0, 1, 2])
    for dtype in ("float32", "uint8"):
        np.testing.assert_array_equal(misclassified(network, x, np.array([0, 1, 2], dtype)), expected)
