"""From a recipe to what Keras trains."""

import random

import keras
import numpy as np

from zoo import networks, regularizers
from zoo.datasets import Batches, SemiSupervised, balanced_subset, bootstrap
from zoo.ladder import AdversarialNoise, LadderNetwork
from zoo.layers import build_preprocessing
from zoo.recipes.network import build_network
from zoo.training import LinearDecay, ReestimateStatistics, RegularizedModel
from zoo.training.precision import compute_in_single_precision
from zoo.validation import check_choice, check_options

OPTIMIZERS = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
LADDER_OPTIONS = ("denoising_weights", "combinators", "noise_std", "adversarial_noise")


def training_batches(recipe, dataset, seed, label_seed=None):
    """The batches that a recipe trains on.

    Args:
        recipe: `Recipe`.
        dataset: `zoo.datasets.Dataset`.
        seed: draws the label subset, the bootstrap sample and the order of the batches.
        label_seed: draws the label subset in place of `seed`: all members of an ensemble have the same labels.

    Returns:
        A `Batches`, or a `SemiSupervised` where unlabeled inputs take part.
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


def label_targets(recipe, labels, num_classes):
    """Class indices, or one-hot rows where labels are smoothed (Keras smooths only those)."""
    return keras.utils.to_categorical(labels, num_classes) if recipe.label_smoothing else labels


def build_optimizer(recipe, steps_per_epoch):
    """The Keras optimizer of a recipe, with its schedule over all steps.

    Raises:
        ValueError: an unknown optimizer, or option of it, with the nearest name.
    """
    options = dict(recipe.optimizer)
    name = check_choice("optimizer", options.pop("name", None), OPTIMIZERS)
    check_options(name, options, OPTIMIZERS[name], given=("learning_rate",))
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, recipe.epochs * steps_per_epoch)
    elif recipe.schedule == "linear":
        rate = LinearDecay(rate, recipe.epochs * steps_per_epoch, recipe.decay_start)
    return OPTIMIZERS[name](rate, **options)


def build_loss(recipe):
    """The cross-entropy of a recipe, on logits."""
    if recipe.label_smoothing:
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def ladder_options(options):
    """Keyword arguments of `LadderNetwork` from a recipe's data.

    Raises:
        ValueError: an unknown option, with the nearest name.
    """
    options = dict(options)
    for option in options:
        check_choice("option of ladder", option, LADDER_OPTIONS)
    noise = options.pop("adversarial_noise", None)
    for option in noise or {}:
        check_choice("option of adversarial_noise", option, AdversarialNoise().get_config())
    return {**options, "adversarial_noise": AdversarialNoise(**noise) if noise else None}


def seed_layers(seed):
    """Fixes the seeds that layers and initializers take where they are given none.

    They take them from Python's generator. Keras's own function seeds TensorFlow's too, and imports it for that.
    """
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(seed)
    else:
        random.seed(seed)


def build_model(recipe, dataset, steps_per_epoch, seed):
    """A compiled `RegularizedModel`, or `LadderNetwork`, from raw inputs to logits.

    Args:
        recipe: `Recipe`.
        dataset: `zoo.datasets.Dataset`, to whose training inputs the preprocessing is fitted.
        steps_per_epoch: for the schedule.
        seed: of weights, dropout and penalties.
    """
    seed_layers(seed)
    preprocessing = build_preprocessing(recipe.preprocessing, dataset.x_train)
    shape = dataset.x_train.shape[1:] if preprocessing is None else preprocessing.output_shape[1:]
    network = build_network(recipe, shape, dataset.num_classes)
    common = {"preprocessing": preprocessing, "seed": seed, "name": "classifier"}
    if recipe.ladder:
        model = LadderNetwork(network, **ladder_options(recipe.ladder), **common)
    else:
        model = RegularizedModel(network, regularizers.build(recipe.regularizers), **common)
    model.build((None, *dataset.x_train.shape[1:]))
    model.compile(build_optimizer(recipe, steps_per_epoch), build_loss(recipe), metrics=["accuracy"])
    return model


def build_callbacks(recipe, dataset):
    """The Keras callbacks that belong to a recipe's method."""
    callbacks = []
    if recipe.early_stopping_patience:
        patience = recipe.early_stopping_patience
        callbacks.append(keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True))
    if recipe.reestimate_statistics:
        callbacks.append(ReestimateStatistics(dataset.x_train, recipe.batch_size))
    return callbacks


def combine(recipe, models):
    """One classifier for all members, in float32: the member itself if there is one, else their ensemble, compiled."""
    for model in models:
        compute_in_single_precision(model)
    models = [model.classifier() if isinstance(model, LadderNetwork) else model for model in models]
    first, *others = models
    if not others:
        return first
    network = networks.ensemble([model.network for model in models], recipe.ensemble_mean)
    ensemble = RegularizedModel(network, preprocessing=first.preprocessing, name="classifier")
    ensemble.build((None, *first.raw_input_shape))
    ensemble.compile(loss=build_loss(recipe), metrics=["accuracy"])
    return ensemble


def member_seeds(recipe, seed):
    """The seed of each member of an ensemble, far from those of other runs."""
    return [seed + 1000 * member for member in range(recipe.num_members)]
