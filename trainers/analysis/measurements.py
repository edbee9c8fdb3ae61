"""All measurements of one published model."""

import datetime
import functools
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from trainers.analysis.curves import curve
from trainers.analysis.plan import missing_figures, plan
from trainers.runs.data import load_own_data
from trainers.runs.measuring import versions
from zoo import analysis, datasets, pretrained, regularizers
from zoo.analysis import Estimate
from zoo.analysis.batches import map_batches
from zoo.optional import require
from zoo.pretrained import card

SEED = 0
Move = Callable[[int], None]  # moves a progress bar by a number of figures
Network = Callable[[Any], Any]  # from inputs to logits
Settings = dict[str, dict[str, Any]]  # of every error or measure by its name, from `plan`


def labeled_examples(recipe: dict[str, Any], dataset: datasets.Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The training inputs and labels that the loss of a recipe used.

    Args:
        recipe: as recorded on a card.
        dataset: of the recipe.
        seed: of the run.
    """
    rows = slice(None)
    if recipe.get("num_labels") is not None:
        rows = datasets.balanced_subset(dataset.y_train, recipe["num_labels"], seed)
    return dataset.x_train[rows], dataset.y_train[rows]


def percent(estimate: Estimate) -> dict[str, Any]:
    """The entry of an error in the file, with the date."""
    scaled, date = estimate.scaled(100), datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"error": float(f"{scaled.mean:.6g}"), "standard_error": float(f"{scaled.standard_error:.4g}"), "date": date}


def value(estimate: Estimate) -> dict[str, float]:
    """The entry of a measure in the file."""
    return {"value": float(f"{estimate.mean:.6g}"), "standard_error": float(f"{estimate.standard_error:.4g}")}


def measure_errors(
    network: Network, x: np.ndarray, y: np.ndarray, settings: Settings, move: Move
) -> dict[str, Estimate]:
    """Measures the error on clean inputs and under every attack.

    Args:
        network: from inputs to logits.
        x: test inputs.
        y: their labels.
        settings: of the errors.
        move: called after each of them.
    """
    errors = {}
    for name, options in settings.items():
        rows = slice(options["num_examples"])
        if name == "clean":
            found = analysis.misclassified(network, x[rows], y[rows])
        else:
            found = analysis.misclassified_under_attack(
                network,
                x[rows],
                y[rows],
                options["attack"],
                options["size"],
                seed=SEED,
                input_range=options["input_range"],
            )
        errors[name] = Estimate.of(found)
        move(1)
    return errors


def measure_gradients(
    network: Network, x: np.ndarray, y: np.ndarray, settings: Settings, move: Move
) -> dict[str, np.ndarray]:
    """Measures the Jacobian, movements and smoothness penalties.

    Args:
        network: from inputs to logits.
        x: test inputs.
        y: their labels.
        settings: of the measures.
        move: called after each of them.

    Returns:
        `{name: (n,)}`, one value per example.
    """
    rows = slice(settings["jacobian_frobenius_squared"]["num_examples"])
    x, y = x[rows], y[rows]
    eigenvalues = analysis.singular_values(network, x) ** 2
    fields = [name.removeprefix("worst_") for name in settings if name.startswith("worst_")]
    lds = settings["local_distributional_smoothness"]
    values = {"jacobian_frobenius_squared": eigenvalues.sum(-1), "jacobian_largest_eigenvalue": eigenvalues[:, 0]}
    move(2)
    values["fisher_largest_eigenvalue"] = analysis.largest_fisher_eigenvalue(network, x)
    move(1)
    values["local_distributional_smoothness"] = analysis.local_distributional_smoothness(
        network, x, lds["epsilon"], num_power_iterations=lds["num_power_iterations"], seed=SEED
    )
    move(1)
    for field, changes in analysis.worst_movement_changes(network, x, y, fields).items():
        values[f"worst_{field}"] = changes
    move(len(fields))
    for name, options in settings.items():
        if name.startswith("smoothness"):
            options = {option: setting for option, setting in options.items() if option != "num_examples"}
            values[name] = analysis.penalty_values(network, x, regularizers.Smoothness(**options), seed=SEED)
            move(1)
    return values


def measure_calibration(network: Network, x: np.ndarray, y: np.ndarray, num_bins: int) -> Estimate:
    """Measures the expected calibration error; its standard error comes from the bootstrap.

    Args:
        network: from inputs to logits.
        x: test inputs.
        y: their labels.
        num_bins: of the reliability diagram.
    """
    logits = map_batches(functools.partial(analysis.predict_logits, network), x)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))

    def error(rows):
        return analysis.reliability(probabilities[rows], y[rows], num_bins).calibration_error

    stats = require("scipy.stats", "The standard error of the calibration", "report")
    every = np.arange(len(x))
    resampled = stats.bootstrap((every,), error, vectorized=False, n_resamples=200, method="basic", rng=SEED)
    return Estimate(error(every), resampled.standard_error, len(x))


def measure(
    path: str | pathlib.Path,
    num_examples: int | None = None,
    known: dict[str, Any] | None = None,
    move: Move = lambda number: None,
    save: Callable[[dict[str, Any]], None] = lambda content: None,
) -> dict[str, Any]:
    """Measures a published model.

    Args:
        path: folder of the SavedModel.
        num_examples: as for `trainers.analysis.plan.plan`.
        known: content of an earlier file without the figures that are out of date; the rest is not measured again.
        move: called with the number of figures measured.
        save: called with the content so far after the errors, after the measures and after the curves.

    Returns:
        The content of its file.

    Raises:
        ValueError: the model is damaged, or takes inputs of another shape than its data set has.
    """
    content, known = card.verify(path), known or {}
    data = load_own_data(content)
    settings = plan(data, num_examples)
    model, y = pretrained.load(path), data.y_test.ravel()
    network, x, _ = analysis.attacked(model, data.x_test)

    def gap():
        x_train, y_train = labeled_examples(content["recipe"], data, content.get("seed", 0))
        train = (analysis.attacked(model, x_train).inputs, y_train.ravel())
        return analysis.generalization_gap(network, train, (x, y)).scaled(100)

    kinds = {
        "errors": lambda of: as_entries(measure_errors(network, x, y, of, move), percent, of),
        "measures": lambda of: as_entries(measure_all(network, x, y, of, gap, move), value, of),
        "curves": lambda of: {name: curve(network, x, y, options, move) for name, options in of.items()},
    }
    found = {
        "model": content["name"],
        "dataset": data.name,
        "num_examples": settings["errors"]["gaussian_noise"]["num_examples"],
        **{kind: known.get(kind, {}) for kind in kinds},
        "sha256": card.model_sum(content),
        "versions": {**known.get("versions", {}), **versions()},
    }
    for kind, of in missing_figures(settings, known).items():
        entries = {**found[kind], **(kinds[kind](of) if of else {})}
        found[kind] = {name: entries[name] for name in settings[kind]}
        save(found)
    return found


def measure_all(
    network: Network, x: np.ndarray, y: np.ndarray, settings: Settings, gap: Callable[[], Estimate], move: Move
) -> dict[str, Estimate]:
    """Measures what is not an error.

    Args:
        network: from inputs to logits.
        x: test inputs.
        y: their labels.
        settings: of the measures.
        gap: measures the generalization gap.
        move: called after each of them.
    """
    measures = {name: Estimate.of(values) for name, values in measure_gradients(network, x, y, settings, move).items()}
    bins = settings["calibration_error"]["num_bins"]
    measures["calibration_error"] = measure_calibration(network, x, y, bins)
    move(1)
    measures["generalization_gap"] = gap()
    move(1)
    return measures


def as_entries(
    found: dict[str, Estimate], figures: Callable[[Estimate], dict[str, Any]], settings: Settings
) -> dict[str, dict[str, Any]]:
    """The entries of a file: figures with their settings."""
    return {name: {**figures(found[name]), "settings": options} for name, options in settings.items()}
