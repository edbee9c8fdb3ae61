"""From a recipe to the batches, the compiled model and the callbacks that Keras trains."""

import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo import networks, regularizers
from zoo.datasets import Batches, Dataset, SemiSupervised, balanced_subset, bootstrap
from zoo.ladder import AdversarialNoise, LadderNetwork
from zoo.layers import build_preprocessing
from zoo.recipes.network import build_network
from zoo.recipes.optimization import build_loss, build_optimizer
from zoo.recipes.recipe import Recipe
from zoo.training import ReestimateStatistics, RegularizedModel
from zoo.training.precision import compute_in_single_precision
from zoo.validation import check_choice

LADDER_OPTIONS = ("denoising_weights", "combinators", "noise_std", "adversarial_noise", "statistics_of")


def training_batches(
    recipe: Recipe, dataset: Dataset, seed: int, label_seed: int | None = None
) -> Batches | SemiSupervised:
    """Makes the batches on which a recipe trains.

    Args:
        recipe: the recipe.
        dataset: the data set.
        seed: integer, at least 0. Draws the labeled subset, the bootstrap sample and the order of the batches.
        label_seed: integer that draws the labeled subset in place of `seed`, so that all members of an ensemble have
            the same labels.

    Returns:
        A `SemiSupervised` if the recipe uses unlabeled inputs, otherwise a `Batches`.

    Raises:
        ValueError: the data set has too few examples for the recipe.

    Example:
        >>> from zoo import datasets, recipes
        >>> from zoo.recipes.build import training_batches
        >>> recipe, dataset = recipes.get("synthetic_mlp-vat"), datasets.load("synthetic")
        >>> len(training_batches(recipe, dataset, seed=0))
        50
    """
    x, y = dataset.x_train, dataset.y_train
    targets = label_targets(recipe, y, dataset.num_classes)
    rows, steps = slice(None), len(x) // min(recipe.batch_size, len(x))
    if recipe.num_labels is not None:
        rows = balanced_subset(y, recipe.num_labels, seed if label_seed is None else label_seed)
    if recipe.bagging:
        rows = np.arange(len(x))[rows]
        rows = rows[bootstrap(len(rows), seed)]
    if not recipe.unlabeled_batch_size:
        return Batches(x[rows], targets[rows], recipe.batch_size, seed=seed, steps_per_epoch=steps)
    return SemiSupervised(
        x[rows],
        targets[rows],
        x,
        batch_size=min(recipe.batch_size, len(targets[rows])),
        unlabeled_batch_size=recipe.unlabeled_batch_size,
        seed=seed,
    )


def label_targets(recipe: Recipe, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns the targets of the loss: one-hot rows with label smoothing, which Keras requires, else class indices.

    Args:
        recipe: the recipe.
        labels: class indices, `(n,)`.
        num_classes: number of classes.

    Example:
        >>> import numpy as np
        >>> from zoo import recipes
        >>> from zoo.recipes.build import label_targets
        >>> label_targets(recipes.get("synthetic_mlp-label_smoothing"), np.array([1]), 2)
        array([[0., 1.]])
    """
    return np.asarray(keras.utils.to_categorical(labels, num_classes)) if recipe.label_smoothing else labels


def ladder_options(options: dict[str, Any]) -> dict[str, Any]:
    """Makes the keyword arguments of `LadderNetwork` from the field `ladder` of a recipe.

    Args:
        options: the field.

    Raises:
        ValueError: an option is unknown.

    Example:
        >>> from zoo.recipes.build import ladder_options
        >>> ladder_options({"noise_std": 0.3})
        {'noise_std': 0.3, 'adversarial_noise': None}
    """
    options = dict(options)
    for option in options:
        check_choice("option of ladder", option, LADDER_OPTIONS)
    given = options.pop("adversarial_noise", None) or {}
    # Recipes name ε of labeled inputs "labeled", because the digests of published results contain this name.
    names = {name.removesuffix("_epsilon"): name for name in AdversarialNoise().get_config()}
    noise = {names[check_choice("option of adversarial_noise", option, names)]: given[option] for option in given}
    return {**options, "adversarial_noise": AdversarialNoise(**noise) if noise else None}


def seed_layers(seed: int) -> None:
    """Seeds the generator from which Keras's layers and initializers draw their default seeds.

    That is Python's `random`. `keras.utils.set_random_seed` would also seed TensorFlow, and import it.

    Args:
        seed: integer, at least 0.

    Example:
        >>> import keras
        >>> from zoo.recipes.build import seed_layers
        >>> seed_layers(0)
        >>> seed = keras.initializers.GlorotUniform().seed
        >>> seed_layers(0)
        >>> keras.initializers.GlorotUniform().seed == seed
        True
    """
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(seed)
    else:
        random.seed(seed)


def build_model(recipe: Recipe, dataset: Dataset, steps_per_epoch: int, seed: int) -> RegularizedModel | LadderNetwork:
    """Builds and compiles the model of a recipe, from raw inputs to logits.

    Args:
        recipe: the recipe.
        dataset: the data set. The preprocessing is fitted to its training inputs.
        steps_per_epoch: number of batches in an epoch, for the learning rate schedule.
        seed: integer, at least 0. Draws the weights, dropout and the random numbers of penalties.

    Returns:
        A compiled `RegularizedModel`, or a `LadderNetwork` if the recipe has the field `ladder`.

    Raises:
        TypeError: an option of the recipe has the wrong type.
        ValueError: a name in the recipe is unknown, or an option is missing or out of range.

    Example:
        >>> from zoo import datasets, recipes
        >>> from zoo.recipes.build import build_model
        >>> recipe, dataset = recipes.get("synthetic_mlp-vat"), datasets.load("synthetic")
        >>> build_model(recipe, dataset, steps_per_epoch=50, seed=0).regularizer.get_config()["epsilon"]
        0.35
    """
    seed_layers(seed)
    preprocessing = build_preprocessing(recipe.preprocessing, dataset.x_train)
    raw_shape = dataset.x_train.shape[1:]
    preprocessed_shape: Any = (None, *raw_shape) if preprocessing is None else preprocessing.output_shape
    network = build_network(recipe, preprocessed_shape[1:], dataset.num_classes)
    common: dict[str, Any] = {"preprocessing": preprocessing, "seed": seed, "name": "classifier"}
    if recipe.ladder:
        model = LadderNetwork(network, **ladder_options(recipe.ladder), **common)
    else:
        penalty = regularizers.build(recipe.regularizers)
        model = RegularizedModel(network, penalty, penalty_inputs=recipe.penalty_inputs, **common)
    model.build((None, *raw_shape))
    model.compile(build_optimizer(recipe, steps_per_epoch), build_loss(recipe), metrics=["accuracy"])
    return model


def build_callbacks(
    recipe: Recipe, dataset: Dataset, batches: Batches | SemiSupervised
) -> list[keras.callbacks.Callback]:
    """Builds the Keras callbacks of a recipe: early stopping, reestimated statistics.

    Statistics come from all unlabeled inputs, in batches as in training, or else from the labeled ones.

    Args:
        recipe: the recipe.
        dataset: the data set.
        batches: those of `training_batches`.

    Example:
        >>> from zoo import datasets, recipes
        >>> from zoo.recipes.build import build_callbacks, training_batches
        >>> recipe, dataset = recipes.get("synthetic_mlp-early_stopping"), datasets.load("synthetic")
        >>> build_callbacks(recipe, dataset, training_batches(recipe, dataset, seed=0))[0].patience
        10
    """
    callbacks: list[keras.callbacks.Callback] = []
    if recipe.early_stopping_patience:
        monitor, mode = {"loss": ("val_loss", "min"), "error": ("val_accuracy", "max")}[recipe.early_stopping_monitor]
        options: Any = {"patience": recipe.early_stopping_patience, "restore_best_weights": True}
        callbacks.append(keras.callbacks.EarlyStopping(monitor, mode=mode, **options))
    if recipe.reestimate_statistics and recipe.ladder.get("statistics_of") == "labeled":
        callbacks.append(ReestimateStatistics(batches.x, recipe.batch_size, unbiased=True))
    elif recipe.reestimate_statistics:
        inputs = dataset.x_train if recipe.unlabeled_batch_size else batches.x  # all that training sees
        callbacks.append(ReestimateStatistics(inputs, recipe.unlabeled_batch_size or recipe.batch_size))
    return callbacks


def combine(recipe: Recipe, models: Sequence[RegularizedModel | LadderNetwork]) -> RegularizedModel:
    """Makes one classifier of the trained members, in float32.

    Args:
        recipe: the recipe.
        models: the members, at least one. Their layers then compute in float32.

    Returns:
        The member itself if there is only one, otherwise their compiled ensemble. Of a `LadderNetwork`, its classifier.

    Example:
        >>> from zoo import datasets, recipes
        >>> from zoo.recipes.build import build_model, combine
        >>> recipe, dataset = recipes.get("synthetic_mlp-ensemble"), datasets.load("synthetic")
        >>> members = [build_model(recipe, dataset, steps_per_epoch=50, seed=seed) for seed in range(2)]
        >>> combine(recipe, members).network.name
        'ensemble'
    """
    for model in models:
        compute_in_single_precision(model)
    members = [model.classifier() if isinstance(model, LadderNetwork) else model for model in models]
    first, *others = members
    if not others:
        return first
    network = networks.ensemble([member.network for member in members], recipe.ensemble_mean)
    ensemble = RegularizedModel(network, preprocessing=first.preprocessing, name="classifier")
    raw_shape: Any = first.raw_input_shape
    ensemble.build((None, *raw_shape))
    ensemble.compile(loss=build_loss(recipe), metrics=["accuracy"])
    return ensemble


def member_seeds(recipe: Recipe, seed: int) -> list[int]:
    """Returns the seed of each member of an ensemble. They are far from the seeds of other runs.

    Args:
        recipe: the recipe.
        seed: seed of the run.

    Example:
        >>> from zoo import recipes
        >>> from zoo.recipes.build import member_seeds
        >>> member_seeds(recipes.get("synthetic_mlp-ensemble"), 3)
        [3, 1003, 2003, 3003, 4003]
    """
    return [seed + 1000 * member for member in range(recipe.num_members)]
