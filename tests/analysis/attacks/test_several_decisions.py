"""Attacks on networks with several decisions for each example, whose worst case is known.

Each decision depends on an entry of its own, `h_k = w_k·x_k`, so in L∞ an attack turns it if and only if
`|h_k| < ε·|w_k|`.
"""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from zoo.analysis import (
    ATTACKS,
    Classifier,
    auto_attack,
    auto_pgd,
    fast_adaptive_boundary,
    misclassified,
    misclassified_under_attack,
    projected_gradient_descent,
)
from zoo.analysis.errors import cross_entropies

RNG = np.random.default_rng(5)
W, X, EPSILON = RNG.normal(size=4), RNG.normal(size=(30, 4)), 0.6
DECISIONS = (X * W > 0).astype("int32")
TURNED = np.abs(X * W) < EPSILON * np.abs(W)


@functools.cache
def network(kind):
    """Decisions of 4 labels, or of two classes at 4 positions."""
    if kind == "multilabel":
        return Classifier(lambda x: x * ops.convert_to_tensor(W), outputs="multilabel_logits")
    return Classifier(lambda x: ops.stack([0 * x, x * ops.convert_to_tensor(W)], axis=-1))


@pytest.mark.parametrize("kind", ["multilabel", "dense"])
@pytest.mark.parametrize("attack", ["sign", "pgd_linf", "apgd_linf", "square_linf"])
def test_the_share_of_wrong_decisions_is_the_closed_form(attack, kind):
    options = {"num_queries": 400} if attack == "square_linf" else {}
    assert not misclassified(network(kind), X, DECISIONS).any()
    errors = misclassified_under_attack(network(kind), X, DECISIONS, attack, EPSILON, **options)
    np.testing.assert_allclose(errors, TURNED.mean(axis=1))
    assert 0.1 < errors.mean() < 0.9


@pytest.mark.parametrize("kind", ["multilabel", "dense"])
def test_an_example_rests_once_all_its_decisions_are_wrong(kind):
    moved = auto_pgd(network(kind), X, 1 - DECISIONS, EPSILON, seed=0, norm="l2")
    np.testing.assert_array_equal(moved, X)
    half = np.where(np.arange(4) < 2, DECISIONS, 1 - DECISIONS)
    moved = auto_pgd(network(kind), X, half, EPSILON, seed=0, norm="linf")
    np.testing.assert_allclose(misclassified(network(kind), moved, half), 0.5 + TURNED[:, :2].sum(axis=1) / 4)


@pytest.mark.parametrize("kind", ["multilabel", "dense"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_best_of_several_runs_has_the_largest_loss(kind, norm):
    options = {"norm": norm, "num_steps": 1, "step_size": 0.05, "seed": 1}
    one, three = (
        projected_gradient_descent(network(kind), X, DECISIONS, EPSILON, num_restarts=k, **options) for k in (1, 3)
    )
    losses = [cross_entropies(network(kind), each, DECISIONS) for each in (X, one, three)]
    assert np.all(losses[2] >= losses[1] - 1e-9) and np.any(losses[2] > losses[1] + 1e-3)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_gradient_is_that_of_the_sum_of_binary_cross_entropies(norm):
    gradient = W * (1 / (1 + np.exp(-X * W)) - DECISIONS)
    steepest = np.sign(gradient) if norm == "linf" else gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
    options = {"norm": norm, "num_steps": 1, "step_size": 0.1, "random_start": False}
    moved = projected_gradient_descent(network("multilabel"), X, DECISIONS, EPSILON, **options)
    np.testing.assert_allclose(moved, X + 0.1 * steepest, rtol=1e-6)


@pytest.mark.parametrize("kind, shape", [("multilabel", r"\(None, 4\)"), ("dense", r"\(None, 4, 2\)")])
def test_attacks_that_look_for_another_class_are_refused(kind, shape):
    def refused(what):
        return pytest.raises(
            ValueError, match=f"{what} needs one class .* {kind.replace('il', 'i-l')[:5]}.*{shape}.*PGD"
        )

    with refused("FAB"):
        fast_adaptive_boundary(network(kind), X, DECISIONS, 0.1, norm="l2")
    with refused("AutoAttack"):
        auto_attack(network(kind), X, DECISIONS, 0.1)
    with refused("APGD with loss='dlr' or with targets"):
        auto_pgd(network(kind), X, DECISIONS, 0.1, norm="l2", loss="dlr")
    with refused("APGD with loss='dlr' or with targets"):
        auto_pgd(network(kind), X, DECISIONS, 0.1, norm="l2", num_targets=2)
    with refused("An attack with targets"):
        projected_gradient_descent(network(kind), X, DECISIONS, 0.1, norm="l2", num_targets=2)


def test_errors_are_those_of_keras():
    labels = RNG.integers(0, 2, (30, 4))
    accuracy = keras.metrics.BinaryAccuracy(threshold=0.0)
    accuracy.update_state(labels, network("multilabel")(X))
    assert misclassified(network("multilabel"), X, labels).mean() == pytest.approx(1 - float(accuracy.result()))
    accuracy = keras.metrics.SparseCategoricalAccuracy()
    accuracy.update_state(labels, network("dense")(X))
    assert misclassified(network("dense"), X, labels).mean() == pytest.approx(1 - float(accuracy.result()))
    for each in (labels[..., None], np.eye(2)[labels]):
        np.testing.assert_array_equal(
            misclassified(network("dense"), X, each), misclassified(network("dense"), X, labels)
        )


@pytest.mark.parametrize("attack", ["sign", "pgd_l2", "apgd_l2", "square_l2"])
@pytest.mark.parametrize(
    "kind, shape", [("multilabel", (30,)), ("multilabel", (30, 3)), ("dense", (30,)), ("dense", (30, 3))]
)
def test_labels_of_another_shape(attack, kind, shape):
    options, labels = {"num_queries": 2} if attack == "square_l2" else {}, np.zeros(shape, int)
    with pytest.raises(ValueError, match=r"labels .*shape \((n|30), 4\), received \(30"):
        ATTACKS[attack](network(kind), X, labels, 0.1, 0, **options)
    with pytest.raises(ValueError, match=r"given labels must have shape \(30, 4\), received \(30"):
        misclassified(network(kind), X, labels)


@pytest.mark.parametrize("kind", ["multilabel", "dense"])
def test_labels_out_of_range(kind):
    with pytest.raises(ValueError, match="given labels must be 0 to 1, received 2"):
        misclassified(network(kind), X, np.full((30, 4), 2))
