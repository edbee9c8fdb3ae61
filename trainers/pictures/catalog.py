"""All pictures by name: the data of each, and the function that draws it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from trainers.pictures import boundaries, curves, errors, ladder, movements, perturbations, subjects, theory
from trainers.pictures.style import Picture
from trainers.results.store import read_results
from trainers.results.tables import TABLES, parts
from zoo import analysis, recipes
from zoo.ladder.denoising import combinator_curves, denoise_levels
from zoo.regularizers.math import per_example
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice

FAMILIES = ("shift", "rotation", "scale", "affine", "smooth")
LADDER, SIGNALS = "mnist_ladder-100_full", "synthetic_mlp-baseline"
CORRUPTED = np.linspace(-3, 3, 61)  # values of z̃
SEED = 0  # of noise and of short runs
EPSILON = 2.0  # L2 norm of perturbations, in units of the input
DISTANCE = 1.5  # root mean square length of movements, in positions


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where pictures find their data.

    Attributes:
        results: results folder.
        table: key of the table whose results to draw.
        model: name of a published model, or path of a SavedModel.
        saved_models: folder of published models; None for the default one.
        workdir: finished run of a ladder; None trains one for an epoch.
    """

    results: str = "results"
    table: str = "synthetic"
    model: str = "mnist_mlp-baseline"
    saved_models: str | None = None
    workdir: str | None = None


def of_table(sources: Sources) -> tuple[list[Mapping[str, Any]], str]:
    """The contents and the title of a table.

    Raises:
        ValueError: the table is unknown or has no results.
    """
    key = check_choice("table", sources.table, TABLES)
    contents = parts(key, read_results(sources.results))[1]
    if not contents:
        raise ValueError(f"{sources.results} has no results for the table {key!r}. Run trainers.reproduce first.")
    return contents, TABLES[key][0]


def perturbed(
    network: keras.Model, inputs: np.ndarray, labels: np.ndarray, epsilon: float, seed: int
) -> dict[str, np.ndarray]:
    """Perturbs inputs adversarially, virtually adversarially and randomly.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`.
        labels: `(n,)`.
        epsilon: L2 norm of the perturbations.
        seed: of the random ones.

    Returns:
        `{kind: perturbed inputs}`; the first kind is clean.
    """
    generator, x = keras.random.SeedGenerator(seed), ops.convert_to_tensor(inputs)
    versions = {
        "clean": x,
        "adversarial": x + epsilon * adversarial_noise(analysis.loss_gradient(network, x, labels), "l2"),
        "virtual adv.": analysis.virtual_adversarial_noise(network, x, labels, epsilon, generator),
        "random": x + epsilon * per_example.random_direction(x, generator),
    }
    return {kind: ops.convert_to_numpy(version) for kind, version in versions.items()}


def perturbed_pairs(
    network: keras.Model, inputs: np.ndarray, labels: np.ndarray, epsilon: float, seed: int, title: str
) -> Picture:
    """Draws inputs next to their perturbed versions.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`.
        labels: `(n,)`.
        epsilon: L2 norm of the perturbations.
        seed: of random perturbations.
        title: of data and network.
    """
    versions = perturbed(network, inputs, labels, epsilon, seed)
    found = {kind: subjects.probabilities(network, version) for kind, version in versions.items()}
    return perturbations.perturbed_inputs(versions, found, labels, f"L2 norm {epsilon:g}", title)


def draw_perturbations(sources: Sources) -> Picture:
    """Draws adversarial, virtual adversarial and random perturbations of inputs of a published model."""
    shown = subjects.Published(sources.model, sources.saved_models, 3)
    return perturbed_pairs(shown.network, shown.inputs, shown.labels, EPSILON, SEED, shown.title)


def draw_signal_perturbations(sources: Sources) -> Picture:
    """Draws the same for synthetic signals and a network that is trained here; a quarter as large."""
    return perturbed_pairs(*signals(), EPSILON / 4, SEED, SIGNALS)


def signals() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """Trains a network on the synthetic signals; returns it with three signals and their labels."""
    model, data = subjects.train_briefly(recipes.get(SIGNALS), SEED)
    return model.network, subjects.prepared(model, data.x_test[:3]), data.y_test[:3]


def draw_movement_fields(sources: Sources) -> Picture:
    """Draws the worst movement of every family on one image, and the moved image."""
    shown = subjects.Published(sources.model, sources.saved_models, 1)
    fields = {
        family: analysis.worst_movements(shown.network, shown.inputs, shown.labels, family) for family in FAMILIES
    }
    moved = {family: analysis.move(shown.inputs, DISTANCE * field) for family, field in fields.items()}
    found = {family: subjects.probabilities(shown.network, image)[0] for family, image in moved.items()}
    found["clean"] = subjects.probabilities(shown.network, shown.inputs)[0]
    fields, moved = ({family: each[0] for family, each in of.items()} for of in (fields, moved))
    return movements.movement_fields(shown.inputs[0], fields, moved, found, DISTANCE, shown.title)


def moved_pairs(
    network: keras.Model, inputs: np.ndarray, labels: np.ndarray, family: str, distance: float, title: str
) -> Picture:
    """Draws inputs next to the same inputs after their worst movement.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`.
        labels: `(n,)`.
        family: of movements.
        distance: root mean square length of the movement, in positions.
        title: of data and network.
    """
    fields = analysis.worst_movements(network, inputs, labels, family)
    moved = analysis.move(inputs, distance * fields)
    before, after = (subjects.probabilities(network, version) for version in (inputs, moved))
    size = f"{family} by {distance:g} positions"
    return movements.sample_pairs(inputs, moved, labels, before, after, size, title)


def draw_sample_pairs(sources: Sources) -> Picture:
    """Draws images next to the same images after their worst movement."""
    shown = subjects.Published(sources.model, sources.saved_models, 5)
    return moved_pairs(shown.network, shown.inputs, shown.labels, "smooth", DISTANCE, shown.title)


def draw_signal_pairs(sources: Sources) -> Picture:
    """Draws the same for synthetic signals and a network that is trained here."""
    return moved_pairs(*signals(), "smooth", DISTANCE, SIGNALS)


def ladder_of(sources: Sources) -> tuple[Any, Any, str]:
    """A ladder from a run, or trained here for one epoch; with its data set and a title.

    Raises:
        ValueError: the run is not one of a ladder.
    """
    if sources.workdir is None:
        recipe = recipes.get(LADDER).override({"epochs": 1})
        model, data = subjects.train_briefly(recipe, SEED)
    else:
        recipe, model, data = subjects.restore_run(sources.workdir)
        if not recipe.ladder:
            raise ValueError(f"{sources.workdir} holds a run of {recipe.name}, which is not a ladder.")
    return model, data, f"{recipe.name}, {recipe.epochs} epoch{'s' * (recipe.epochs > 1)}"


def draw_ladder_reconstructions(sources: Sources) -> Picture:
    """Draws how the decoder of a ladder denoises inputs and every level."""
    model, data, title = ladder_of(sources)
    levels = denoise_levels(model, subjects.prepared(model, data.x_test[:200]))
    return ladder.reconstructions(levels, data.x_test.shape[1:], title)


def draw_combinators(sources: Sources) -> Picture:
    """Draws the combinators of a ladder, for the unit of each level that varies most."""
    model, data, title = ladder_of(sources)
    from_above = (-2, -1, 0, 1, 2)
    levels = denoise_levels(model, subjects.prepared(model, data.x_test[:200]))
    found = {}
    for level, (clean, _, denoised) in enumerate(levels):
        if denoised is not None:
            largest = int(np.argmax(clean.reshape(-1, clean.shape[-1]).var(axis=0)))
            found[level] = combinator_curves(model, level, CORRUPTED, from_above, largest)
    return ladder.combinators(found, CORRUPTED, from_above, title)


def draw_decision_boundaries(sources: Sources) -> Picture:
    """Draws the decisions of every method on two moons with few labels."""
    title = f"Two moons, {subjects.NUM_LABELED} labels, perturbations of size {subjects.RADIUS}"
    return boundaries.decision_boundaries(*subjects.train_on_moons(SEED), title)


def draw_limit_ratios(sources: Sources) -> Picture:
    """Draws penalties divided by their limits for small perturbations."""
    shown = subjects.Published(sources.model, sources.saved_models, 100)
    ratios = analysis.limit_ratios(shown.network, shown.inputs, np.logspace(-2, 1, 10), seed=SEED)
    return theory.limit_ratios(ratios, shown.title)


FROM_NETWORKS = {
    "sample_pairs": draw_sample_pairs,
    "signal_pairs": draw_signal_pairs,
    "perturbations": draw_perturbations,
    "signal_perturbations": draw_signal_perturbations,
    "movement_fields": draw_movement_fields,
    "ladder_reconstructions": draw_ladder_reconstructions,
    "combinators": draw_combinators,
    "decision_boundaries": draw_decision_boundaries,
    "limit_ratios": draw_limit_ratios,
}
FROM_RESULTS = {
    "errors_by_method": lambda sources: errors.errors_by_method(*of_table(sources)),
    "error_by_time": lambda sources: errors.error_by_time(*of_table(sources)),
    "generalization_gap": lambda sources: curves.generalization_gap(*of_table(sources)),
    "worst_movements": lambda sources: curves.worst_movements(*of_table(sources)),
    "errors_by_labels": lambda sources: errors.errors_by_labels(read_results(sources.results).values()),
}
PICTURES = {**FROM_NETWORKS, **FROM_RESULTS}


def draw(name: str, sources: Sources) -> Picture:
    """Draws a picture by its name.

    Args:
        name: one of `PICTURES`.
        sources: where to find the data.

    Raises:
        ValueError: the name is unknown, or the data are missing.
    """
    picture = PICTURES[check_choice("picture", name, PICTURES)](sources)
    if picture is None:
        raise ValueError(f"{sources.results} has no data for the picture {name!r}: none of its runs recorded them.")
    return picture
