"""The figures of a finished run, and the versions that computed them."""

import importlib.metadata
import platform
import sys
from typing import Any

import keras
import numpy as np

from trainers.runs.callbacks.curves import CURVES
from trainers.runs.data import splits
from zoo.datasets import Dataset
from zoo.pretrained import error_percent
from zoo.pretrained.exporting import split_errors
from zoo.recipes import Recipe
from zoo.recipes.build import training_batches
from zoo.training.statistics import labeled_statistics


def measure(
    recipe: Recipe,
    seed: int,
    model: keras.Model,
    dataset: Dataset,
    states: list[dict[str, Any]],
    device: str,
    verbose: int = 0,
) -> dict[str, Any]:
    """Measures a finished run.

    Args:
        recipe: that ran.
        seed: of the run.
        model: the trained classifier, from raw inputs to logits.
        dataset: with the splits to measure on.
        states: the state of the last checkpoint of each member.
        device: that trained.
        verbose: verbosity of Keras; 1 shows a progress bar on a terminal.

    Returns:
        What `result.json` holds. Epochs and seconds are sums over the members; losses and curves are those of the last
        member.
    """
    epochs = sum(state["epochs"] for state in states)
    seconds = sum(state["seconds"] for state in states)
    history = states[-1]["history"]
    curves = {name for name in history if name.startswith(CURVES)}
    best = best_epoch(recipe, history)
    return {
        "recipe": recipe.name,
        "seed": seed,
        "configuration": recipe.digest(),
        "errors": split_errors(model.predict_on_batch, splits(dataset), int(verbose == 1 and sys.stdout.isatty())),
        **labeled_errors(recipe, seed, model, dataset),
        "losses": {name: values[best] for name, values in history.items() if name not in curves},
        "curves": {name: [float(f"{value:.4g}") for value in history[name]] for name in sorted(curves)},
        "num_parameters": int(sum(np.prod(v.shape) for v in model.network.trainable_variables)),
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "seconds_per_epoch": round(seconds / epochs, 4),
        "backend": keras.backend.backend(),
        "device": device,
        "versions": versions(),
    }


def best_epoch(recipe: Recipe, history: dict[str, list[float]]) -> int:
    """The index of the epoch whose weights early stopping restored; -1, the last one, without early stopping."""
    if not recipe.early_stopping_patience:
        return -1
    if recipe.early_stopping_monitor == "error":
        return int(np.argmax(history["val_accuracy"]))
    return int(np.argmin(history["val_loss"]))


def labeled_errors(recipe: Recipe, seed: int, model: keras.Model, dataset: Dataset) -> dict[str, Any]:
    """The test error of a ladder with the statistics of its labeled inputs, as its authors measure it.

    Args:
        recipe: that ran.
        seed: of the run.
        model: the trained classifier.
        dataset: with the test split.

    Returns:
        `{"errors_labeled_statistics": {"test": percent}}`; empty for other models, and if `errors` has that one.
    """
    if not recipe.ladder or recipe.num_members > 1 or recipe.ladder.get("statistics_of") == "labeled":
        return {}
    x = training_batches(recipe, dataset, seed).x
    with labeled_statistics(model, x, recipe.batch_size):
        test = error_percent(model.predict_on_batch, dataset.x_test, dataset.y_test)
    return {"errors_labeled_statistics": {"test": test}}


def versions() -> dict[str, str]:
    """The versions of Python, Keras, the backend and NumPy."""
    names = ("keras", keras.backend.backend(), "numpy")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}
