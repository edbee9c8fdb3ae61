"""The pictures by name: where each finds its data, and the function that draws it."""

import dataclasses

import keras
import numpy as np
from keras import ops

from trainers.pictures import boundaries, curves, errors, ladder, movements, perturbations, subjects, theory
from trainers.results.store import read_results
from trainers.results.tables import TABLES, table
from zoo import analysis, recipes
from zoo.ladder.denoising import combinator_curves, denoise_levels
from zoo.regularizers.math import per_example
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice

FAMILIES = ("shift", "rotation", "scale", "affine", "smooth")
LADDER, SIGNALS = "mnist_ladder-100_full", "synthetic_mlp-baseline"
CORRUPTED = np.linspace(-3, 3, 61)  # values of z̃


@dataclasses.dataclass(frozen=True)
class Sources:
    """What pictures are drawn from.

    Attributes:
        results: folder of the figures.
        table: whose results are shown.
        model: published model, by name or path.
        saved_models: folder of the published models, or None.
        workdir: finished run of a ladder, or None for one short epoch.
        seed: of examples, noise and short runs.
        epsilon: norm of perturbations, in units of the input.
        distance: root mean square length of movements, in positions.
    """

    results: str = "results"
    table: str = "synthetic"
    model: str = "mnist_mlp-baseline"
    saved_models: str | None = None
    workdir: str | None = None
    seed: int = 0
    epsilon: float = 2.0
    distance: float = 1.5


def of_table(sources):
    """The contents and the title of a table.

    Raises:
        ValueError: there are no results for it, or the table is unknown.
    """
    key = check_choice("table", sources.table, TABLES)
    contents = table(key, read_results(sources.results))[1]
    if not contents:
        raise ValueError(f"{sources.results} has no results for the table {key!r}: run trainers.reproduce first.")
    return contents, TABLES[key][0]


def perturbed(network, inputs, labels, epsilon, seed):
    """Inputs clean, and with adversarial, virtual adversarial and random perturbations of norm ε."""
    generator, x = keras.random.SeedGenerator(seed), ops.convert_to_tensor(inputs)
    versions = {
        "clean": x,
        "adversarial": x + epsilon * adversarial_noise(analysis.loss_gradient(network, x, labels), "l2"),
        "virtual adv.": analysis.virtual_adversarial_noise(network, x, labels, epsilon, generator),
        "random": x + epsilon * per_example.random_direction(x, generator),
    }
    return {kind: ops.convert_to_numpy(version) for kind, version in versions.items()}


def perturbed_pairs(network, inputs, labels, epsilon, seed, title):
    """Inputs beside their perturbed versions."""
    versions = perturbed(network, inputs, labels, epsilon, seed)
    found = {kind: subjects.probabilities(network, version) for kind, version in versions.items()}
    return perturbations.perturbed_inputs(versions, found, labels, f"L2 norm {epsilon:g}", title)


def draw_perturbations(sources):
    """Adversarial, virtual adversarial and random perturbations of a published model's inputs."""
    shown = subjects.Published(sources.model, sources.saved_models, 3)
    return perturbed_pairs(shown.network, shown.inputs, shown.labels, sources.epsilon, sources.seed, shown.title)


def draw_signal_perturbations(sources):
    """The same of synthetic signals and a network trained on them in the program, a quarter as large."""
    network, *examples = signals(sources)
    return perturbed_pairs(network, *examples, sources.epsilon / 4, sources.seed, SIGNALS)


def signals(sources):
    """A network trained on the synthetic signals, and three of them with their labels."""
    model, data = subjects.train_briefly(recipes.get(SIGNALS), sources.seed)
    return model.network, subjects.prepared(model, data.x_test[:3]), data.y_test[:3]


def draw_movement_fields(sources):
    """The worst movement of every family on one image, and the image moved by it."""
    shown = subjects.Published(sources.model, sources.saved_models, 1)
    fields = {
        family: analysis.worst_movements(shown.network, shown.inputs, shown.labels, family) for family in FAMILIES
    }
    moved = {family: analysis.move(shown.inputs, sources.distance * field) for family, field in fields.items()}
    found = {family: subjects.probabilities(shown.network, image)[0] for family, image in moved.items()}
    found["clean"] = subjects.probabilities(shown.network, shown.inputs)[0]
    fields, moved = ({family: each[0] for family, each in of.items()} for of in (fields, moved))
    return movements.movement_fields(shown.inputs[0], fields, moved, found, sources.distance, shown.title)


def moved_pairs(network, inputs, labels, family, distance, title):
    """Inputs beside their worst-moved versions."""
    fields = analysis.worst_movements(network, inputs, labels, family)
    moved = analysis.move(inputs, distance * fields)
    before, after = (subjects.probabilities(network, version) for version in (inputs, moved))
    size = f"{family} by {distance:g} positions"
    return movements.sample_pairs(inputs, moved, labels, before, after, size, title)


def draw_sample_pairs(sources):
    """Images beside their worst-moved versions."""
    shown = subjects.Published(sources.model, sources.saved_models, 5)
    return moved_pairs(shown.network, shown.inputs, shown.labels, "smooth", sources.distance, shown.title)


def draw_signal_pairs(sources):
    """Synthetic signals beside their worst-moved versions, for a network trained on them in the program."""
    return moved_pairs(*signals(sources), "smooth", sources.distance, SIGNALS)


def ladder_of(sources):
    """A ladder with its decoder, restored from a run or trained for one epoch, its data and a title."""
    if sources.workdir is None:
        recipe = recipes.get(LADDER).override({"epochs": 1})
        model, data = subjects.train_briefly(recipe, sources.seed)
    else:
        recipe, model, data = subjects.restore_run(sources.workdir)
        if not recipe.ladder:
            raise ValueError(f"{sources.workdir} holds a run of {recipe.name}, which is no ladder.")
    return model, data, f"{recipe.name}, {recipe.epochs} epoch{'s' * (recipe.epochs > 1)}"


def draw_ladder_reconstructions(sources):
    """What the ladder's decoder makes of noisy inputs, and of every level."""
    model, data, title = ladder_of(sources)
    levels = denoise_levels(model, subjects.prepared(model, data.x_test[:200]))
    return ladder.reconstructions(levels, data.x_test.shape[1:], title)


def draw_combinators(sources):
    """The shapes of a ladder's combinators, for the unit of each level that varies most."""
    model, data, title = ladder_of(sources)
    signals = (-2, -1, 0, 1, 2)
    levels = denoise_levels(model, subjects.prepared(model, data.x_test[:200]))
    found = {}
    for level, (clean, _, denoised) in enumerate(levels):
        if denoised is not None:
            liveliest = int(np.argmax(clean.reshape(-1, clean.shape[-1]).var(axis=0)))
            found[level] = combinator_curves(model, level, CORRUPTED, signals, liveliest)
    return ladder.combinators(found, CORRUPTED, signals, title)


def draw_decision_boundaries(sources):
    """Every method on two moons with few labels."""
    title = f"Two moons, {subjects.NUM_LABELED} labels, perturbations of size {subjects.RADIUS}"
    return boundaries.decision_boundaries(*subjects.train_on_moons(sources.seed), title)


def draw_limit_ratios(sources):
    """Penalties over their limits for small perturbations."""
    shown = subjects.Published(sources.model, sources.saved_models, 100)
    ratios = analysis.limit_ratios(shown.network, shown.inputs, np.logspace(-2, 1, 10), seed=sources.seed)
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


def draw(name, sources):
    """Draws a picture by its name.

    Raises:
        ValueError: an unknown name, with the nearest one; or what it needs is not there.
    """
    picture = PICTURES[check_choice("picture", name, PICTURES)](sources)
    if picture is None:
        raise ValueError(f"{sources.results} has nothing to draw {name!r} from: no run there kept what it shows.")
    return picture
