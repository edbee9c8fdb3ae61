"""The figures of a run: sums over members, and the epoch of the weights."""

import io
import sys

import keras
import numpy as np
import pytest

import zoo
from tests.support.terminal import Terminal
from trainers.runs import measuring
from zoo import recipes
from zoo.datasets import Dataset

VALIDATION = {"val_loss": [0.5, 0.25, 0.75], "val_accuracy": [0.9, 0.7, 0.8]}
HISTORY = {"loss": [3.0, 2.0, 1.0], **VALIDATION, "sampled_test_error": [50.0, 1 / 3]}


@pytest.fixture
def figures():
    """Measures a small network by a recipe."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 6)).astype("float32"), np.arange(20, dtype="int32") % 3
    model = zoo.RegularizedModel(zoo.networks.mlp((6,), 3, hidden_units=(4,)))
    model.build((None, 6))
    states = [{"epochs": 2, "seconds": 1.0, "history": {}}, {"epochs": 3, "seconds": 2.04, "history": HISTORY}]
    return (
        lambda name, *verbose: measuring.measure(
            recipes.get(name), 7, model, Dataset("toy", x, y, x, y, 3), states, "a device", *verbose
        ),
        model,
        x,
        y,
    )


def test_figures_are_sums_over_the_members_and_curves_of_the_last(figures):
    measure, model, x, y = figures
    found = measure("synthetic_mlp-vat")
    assert (found["epochs"], found["seconds"], found["seconds_per_epoch"]) == (5, 3.0, 0.608)
    assert found["losses"] == {"loss": 1.0, "val_loss": 0.75, "val_accuracy": 0.8} and found["curves"] == {
        "sampled_test_error": [50, 0.3333]
    }
    error = 100 * np.mean(model.predict(x, verbose=0).argmax(axis=1) != y)
    assert found["errors"] == {"test": pytest.approx(error), "train": pytest.approx(error)}
    assert found["backend"] == keras.backend.backend() and set(found["versions"]) >= {"python", "keras", "numpy"}


@pytest.mark.parametrize("verbose, stream", [(0, Terminal()), (1, Terminal()), (1, io.StringIO()), (2, Terminal())])
def test_a_bar_on_a_terminal_at_verbosity_1_alone(figures, monkeypatch, verbose, stream):
    monkeypatch.setattr(sys, "stdout", stream)
    figures[0]("synthetic_mlp-vat", verbose)
    assert ("40/40" in stream.getvalue()) == (verbose == 1 and stream.isatty())


def test_losses_are_those_of_the_epoch_that_early_stopping_restored(figures):
    assert figures[0]("synthetic_mlp-early_stopping")["losses"]["val_loss"] == 0.25
    assert figures[0]("synthetic_mlp-early_stopping_error")["losses"]["val_loss"] == 0.5


def test_a_ladder_is_also_measured_with_the_statistics_of_its_labeled_inputs(figures):
    _, _, x, y = figures
    fields = {"ladder": {"denoising_weights": [1, 1]}, "num_labels": 6, "unlabeled_batch_size": 10}
    recipe = recipes.get("mnist_ladder-100_full").override({"network.rungs": [{"name": "dense", "units": 3}], **fields})
    encoder = zoo.ladder.ladder_encoder((6,), 3, rungs=recipe.network["rungs"])
    ladder = zoo.LadderNetwork(encoder, **recipe.ladder)
    ladder.build((None, 6))
    model = ladder.classifier()
    data = Dataset("toy", x, y, x, y, 3)
    rows = zoo.datasets.balanced_subset(y, 6, 7)
    z = x @ np.asarray(encoder.layers[-1].projection.kernel)
    decided = np.argmax((z - z[rows].mean(axis=0)) / z[rows].std(axis=0, ddof=1), axis=1)
    found = measuring.labeled_errors(recipe, 7, model, data)
    assert found == {"errors_labeled_statistics": {"test": pytest.approx(100 * np.mean(decided != y))}}
    assert measuring.labeled_errors(recipe.override({"ladder.statistics_of": "labeled"}), 7, model, data) == {}
    assert measuring.labeled_errors(recipes.get("synthetic_mlp-vat"), 7, model, data) == {}
