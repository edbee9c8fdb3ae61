"""The optimizer and the loss of a recipe."""

from typing import Any

import keras

from zoo.recipes.recipe import Recipe
from zoo.training import LinearDecay
from zoo.validation import check_choice, check_options

OPTIMIZERS = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}


def build_optimizer(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Builds the optimizer of a recipe, with its learning rate schedule over all steps.

    Args:
        recipe: the recipe.
        steps_per_epoch: number of batches in an epoch.

    Raises:
        ValueError: the optimizer or an option of it is unknown.

    Example:
        >>> from zoo import recipes
        >>> from zoo.recipes.optimization import build_optimizer
        >>> type(build_optimizer(recipes.get("synthetic_mlp-vat"), steps_per_epoch=50)).__name__
        'Adam'
    """
    options = dict(recipe.optimizer)
    name = check_choice("optimizer", options.pop("name", None), OPTIMIZERS)
    check_options(name, options, OPTIMIZERS[name], given=("learning_rate",))
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, recipe.epochs * steps_per_epoch)
    elif recipe.schedule == "linear":
        rate = LinearDecay(rate, recipe.epochs * steps_per_epoch, recipe.decay_start)
    elif recipe.schedule == "exponential":
        schedule = keras.optimizers.schedules.ExponentialDecay
        rate = schedule(rate, recipe.decay_steps, recipe.decay_rate, staircase=True)
    return OPTIMIZERS[name](rate, **options)


def build_loss(recipe: Recipe) -> keras.losses.Loss:
    """Builds the cross-entropy of a recipe, on logits.

    Args:
        recipe: the recipe.

    Example:
        >>> from zoo import recipes
        >>> from zoo.recipes.optimization import build_loss
        >>> build_loss(recipes.get("synthetic_mlp-vat")).name
        'sparse_categorical_crossentropy'
    """
    if recipe.label_smoothing:
        return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
