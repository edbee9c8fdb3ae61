"""APGD: its schedule by hand, and the exact smallest perturbation of linear classifiers."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from tests.analysis.attacks.closed_forms import linear_classifier, smallest_perturbations
from zoo.analysis import Classifier, auto_pgd, misclassified
from zoo.analysis.attacks.auto_pgd import first_state, make_steps
from zoo.analysis.attacks.checkpoints import check_lengths, checkpoints
from zoo.analysis.attacks.task import Task

NORMS = ("linf", "l2")


def test_checkpoints_by_hand():
    # 0.22, +0.19, +0.16, +0.13, +0.10, +0.07, then +0.06 each
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(10) == [3, 5, 6, 7, 8, 9, 10, 10]
    lengths = check_lengths(100)
    assert lengths[[22, 41, 57, 99]].tolist() == [22, 19, 16, 6] and lengths.sum() == 99


@functools.cache
def line(slope):
    """A network of one input x: the loss of class 1 falls with `slope·|x − 0.1|`."""
    return Classifier(lambda x: ops.concatenate([ops.zeros_like(x), slope * ops.abs(x - 0.1)], axis=-1))


def run_steps(slope, start, num_steps, total=100, epsilon=1.0):
    """The state of APGD after some steps on one input."""
    network, clean = line(slope), np.zeros((1, 1))
    task = Task(network, clean, [1], epsilon, "linf", None, 500)
    program = task.program("by hand", make_steps(task, "ce", False, False))
    state = first_state(clean, np.array([[start]]), epsilon)
    constants = task.constants(np.arange(1), targets=task.labels)
    extras = (ops.convert_to_tensor(epsilon, "float64"), ops.convert_to_tensor(check_lengths(total)))
    task.run_all(program, constants, state, num_steps, *extras)
    return state


def test_steps_on_a_line_by_hand():
    """From 1 to the top at 0.1: the first step is 2, to the other end; then momentum averages the steps."""
    state = run_steps(1.0, 1.0, 1)
    assert state["x"][0, 0] == -1.0 and state["previous"][0, 0] == 1.0 and state["step_size"][0] == 2.0
    state = run_steps(1.0, 1.0, 2)
    # z = clip(−1 + 2) = 1, and −1 + 0.75·(1 − (−1)) + 0.25·(−1 − 1) = 0
    assert state["x"][0, 0] == pytest.approx(0.0) and state["best"][0, 0] == 1.0
    state = run_steps(1.0, 1.0, 3)
    # z = clip(0 + 2) = 1, and 0 + 0.75·1 + 0.25·(0 − (−1)) = 1; 0 has the largest loss so far
    assert state["x"][0, 0] == pytest.approx(1.0) and state["best"][0, 0] == pytest.approx(0.0)


def test_step_sizes_by_hand():
    """The iterates repeat −1, 0, 1: less than 75 % of the steps raise the loss. Every checkpoint halves the step."""
    for steps, halvings in ((22, 0), (23, 1), (41, 1), (42, 2)):
        assert run_steps(1.0, 1.0, steps)["step_size"][0] == pytest.approx(2.0 * 0.5**halvings)
    end = run_steps(1.0, 1.0, 101)
    assert abs(end["best"][0, 0] - 0.1) < 0.02


def test_a_loss_that_stands_still_halves_at_every_check():
    """At the end of the ball nothing rises any more."""
    state = run_steps(-1.0, 1.0, 101)
    assert state["best"][0, 0] == 1.0
    assert state["step_size"][0] == 2.0 * 0.5**8


@pytest.mark.parametrize("loss, num_targets, num_classes", [("ce", 0, 2), ("ce", 1, 2), ("dlr", 0, 2), ("dlr", 4, 5)])
@pytest.mark.parametrize("norm", NORMS)
def test_linear_classifiers_are_fooled_from_their_smallest_perturbation_on(loss, num_targets, num_classes, norm):
    network, w, x, y = linear_classifier(num_classes)
    smallest = smallest_perturbations(w, x, y, norm)
    options = {"seed": 0, "norm": norm, "loss": loss, "num_targets": num_targets}
    for factor in (0.99, 1.01):
        for i in range(2):  # one at a time, for each has its own radius
            moved = auto_pgd(network, x[[i]], y[[i]], factor * smallest[i], **options)
            assert misclassified(network, moved, y[[i]]) == (factor > 1)


@pytest.mark.parametrize("norm", NORMS)
def test_without_early_stop_the_loss_is_largest(norm):
    network, w, x, y = linear_classifier(num_classes=2)
    moved = auto_pgd(network, x, y, 0.4, seed=0, norm=norm, early_stop=False)
    normal = (w[:, 1] - w[:, 0]) * np.where(y == 0, 1, -1)[:, None]
    steepest = np.sign(normal) if norm == "linf" else normal / np.linalg.norm(normal, axis=1, keepdims=True)
    np.testing.assert_allclose(moved, x + 0.4 * steepest, atol=1e-3)


def test_misclassified_inputs_stay(rng):
    network, _, x, y = linear_classifier()
    wrong = (y + 1) % 5
    np.testing.assert_array_equal(auto_pgd(network, x, wrong, 0.5, seed=0, norm="l2"), x)


def test_batches_of_any_size_are_attacked_alike(rng):
    network = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(4)])
    x = rng.normal(size=(23, 8)).astype("float32")
    y = ops.convert_to_numpy(network(x)).argmax(axis=-1)
    options = {"norm": "linf", "seed": 0, "num_steps": 20}
    together, parts = (auto_pgd(network, x, y, 0.1, batch_size=size, **options) for size in (500, 9))
    np.testing.assert_allclose(together, parts, atol=1e-4)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"loss": "crossentropy"}, "Unknown loss 'crossentropy'"),
        ({"num_steps": 0}, "num_steps must be at least 1, received 0"),
        ({"num_restarts": 0}, "num_restarts must be at least 1, received 0"),
        ({"num_targets": -1}, "num_targets must be at least 0, received -1"),
        ({"labels": [0, 1]}, "received 12 inputs and 2 labels"),
        ({"norm": "l3"}, "Unknown norm 'l3'"),
    ],
)
def test_bad_input(options, message):
    network, _, x, y = linear_classifier()
    options = {"labels": y, "norm": "l2", **options}
    with pytest.raises(ValueError, match=message):
        auto_pgd(network, x, options.pop("labels"), 0.1, **options)
