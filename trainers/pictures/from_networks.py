"""Pictures of networks: of published models, of short runs, of networks in the plane; and their names."""

from typing import Any

import keras
import numpy as np

from trainers.pictures import (
    attacks,
    boundaries,
    changes,
    classes,
    ladder,
    linear_noise,
    methods,
    movements,
    perturbations,
    subjects,
    theory,
)
from trainers.pictures.files import png
from trainers.pictures.sources import Sources
from trainers.pictures.style import Picture
from zoo import analysis, recipes
from zoo.ladder.denoising import combinator_curves, denoise_levels

FAMILIES = ("shift", "rotation", "scale", "affine", "smooth")
LADDER, SIGNALS = "mnist_ladder-100_full", "synthetic_mlp-baseline"
CORRUPTED = np.linspace(-3, 3, 61)  # values of z̃
SEED = 0  # of noise and of short runs
EPSILON = 2.0  # L2 norm of perturbations, in units of the input
DISTANCE = 1.5  # root mean square length of movements, in positions
ATTACKED = {  # the published models whose examples are attacked
    "mnist_mlp-baseline": "none",
    "mnist_mlp-vmt_smooth": "VMT, smooth",
    "mnist_mlp-at_l2": "AT, L2",
    "mnist_mlp-vat": "VAT",
    "mnist_ladder-all_full": "ladder",
    "mnist_conv-trades": "TRADES, conv.",
}
SIZES = (0.0, 0.05, 0.1, 0.2, 0.3)  # L∞ norms of these attacks, pixels from 0 to 1
RATIO_EPSILONS = np.logspace(-2, 1, 10)  # ε at which penalties are compared with their limits


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
    gradient = changes.loss_gradient(network, inputs, labels)
    versions = changes.perturbed(network, inputs, labels, gradient, epsilon, seed)
    found = {kind: subjects.probabilities(network, version) for kind, version in versions.items()}
    return perturbations.perturbed_inputs(versions, found, labels, f"L2 norm {epsilon:g}", title)


def draw_perturbations(sources: Sources) -> Picture:
    """Draws adversarial, virtual adversarial and random perturbations of inputs of a published model."""
    shown = subjects.Published(sources.model, sources.saved_models, 3)
    return perturbed_pairs(shown.network, shown.inputs, shown.labels, EPSILON, SEED, shown.title)


def draw_signal_perturbations(sources: Sources) -> Picture:
    """Draws the same for synthetic signals and a network that is trained here; a quarter as large."""
    return perturbed_pairs(*signals(1), EPSILON / 4, SEED, SIGNALS)


def signals(number: int) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """A network that is trained here on the synthetic signals, with some signals and their labels."""
    model, data = subjects.trained_once(SIGNALS, recipes.get(SIGNALS).epochs, SEED)
    return model.network, subjects.prepared(model, data.x_test[:number]), data.y_test[:number]


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


def while_training(network: keras.Model, inputs: np.ndarray, labels: np.ndarray, title: str) -> dict[str, bytes]:
    """Draws inputs, perturbed and moved, with the decisions of a network, for `PictureLog`.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, preprocessed.
        labels: `(n,)`.
        title: of data and network.

    Returns:
        The content of PNG files by their names.
    """
    examples = network, inputs, labels
    return {
        "perturbations": png(perturbed_pairs(*examples, EPSILON, SEED, title)),
        "movements": png(moved_pairs(*examples, "smooth", DISTANCE, title)),
    }


def draw_sample_pairs(sources: Sources) -> Picture:
    """Draws images next to the same images after their worst movement."""
    shown = subjects.Published(sources.model, sources.saved_models, 5)
    return moved_pairs(shown.network, shown.inputs, shown.labels, "smooth", DISTANCE, shown.title)


def draw_signal_pairs(sources: Sources) -> Picture:
    """Draws the same for synthetic signals and a network that is trained here."""
    return moved_pairs(*signals(3), "smooth", DISTANCE, SIGNALS)


def ladder_of(sources: Sources) -> tuple[Any, Any, str]:
    """A ladder from a run, or trained here for one epoch; with its data set and a title.

    Raises:
        ValueError: the run is not one of a ladder.
    """
    if sources.workdir is None:
        recipe = recipes.get(LADDER).override({"epochs": 1})
        model, data = subjects.trained_once(LADDER, recipe.epochs, SEED)
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
    ratios = analysis.limit_ratios(shown.network, shown.inputs, RATIO_EPSILONS, seed=SEED)
    return theory.limit_ratios(ratios, shown.title)


def draw_methods(sources: Sources) -> Picture:
    """Draws what each method does to an image during training, with the decisions of a published model."""
    shown = subjects.Published(sources.model, sources.saved_models, 1)
    versions = changes.changed_by_methods(shown.network, shown.inputs, shown.labels, EPSILON, DISTANCE, SEED)
    panels = {
        method: methods.Panel(
            image[0],
            shown.inputs[0],
            subjects.probabilities(shown.network, image)[0],
            1.0 if method.startswith("VMT") else methods.GAIN,
        )
        for method, image in versions.items()
    }
    model, data, _ = ladder_of(sources)
    level = denoise_levels(model, subjects.prepared(model, data.x_test[:200]))[0]
    shape = shown.inputs.shape[1:]
    panels["ladder\nnoise"] = methods.Panel(level.corrupted[0].reshape(shape), None, None)
    panels["ladder\ndenoised"] = methods.Panel(level.denoised[0].reshape(shape), None, None)
    return methods.what_methods_do(panels, int(shown.labels[0]), EPSILON, DISTANCE, shown.title)


def draw_adversarial_examples(sources: Sources) -> Picture:
    """Draws one image under attacks of growing size, for published models of several methods."""
    versions, found = {}, {}
    for name, method in ATTACKED.items():
        shown = subjects.Published(name, sources.saved_models, 1)
        images = [
            analysis.auto_pgd(
                shown.network, shown.inputs, shown.labels, size, SEED, (0.0, 1.0), norm="linf", early_stop=False
            )
            for size in SIZES
        ]
        versions[method] = [image[0] for image in images]
        found[method] = [subjects.probabilities(shown.network, image)[0] for image in images]
    return attacks.adversarial_examples(versions, found, SIZES, int(shown.labels[0]), "MNIST, APGD in L∞")


FROM_NETWORKS = {
    "methods": draw_methods,
    "decision_boundaries": draw_decision_boundaries,
    "adversarial_examples": draw_adversarial_examples,
    "perturbations": draw_perturbations,
    "signal_perturbations": draw_signal_perturbations,
    "movement_fields": draw_movement_fields,
    "sample_pairs": draw_sample_pairs,
    "signal_pairs": draw_signal_pairs,
    "signal_classes": classes.draw_signal_classes,
    "ladder_reconstructions": draw_ladder_reconstructions,
    "combinators": draw_combinators,
    "limit_ratios": draw_limit_ratios,
    "noise_kinds": linear_noise.draw_noise_kinds,
    "noisy_costs": linear_noise.draw_noisy_costs,
}
