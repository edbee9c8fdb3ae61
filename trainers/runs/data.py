"""The data of a run: the data set of a recipe, its splits, and the data that a published model was trained on."""

from typing import Any

import numpy as np

import zoo
from zoo.datasets import Dataset
from zoo.recipes import Recipe


def load_data(recipe: Recipe, seed: int) -> Dataset:
    """Loads the data set of a recipe with its validation split.

    Args:
        recipe: names the data set and the number of validation examples.
        seed: draws the validation split; a synthetic set is drawn with it, too.
    """
    return zoo.datasets.load(recipe.dataset, seed=seed, num_validation=recipe.num_validation)


def splits(dataset: Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The inputs and labels of every split that a data set has: test, train and perhaps validation.

    Args:
        dataset: with or without a validation split.

    Returns:
        `{"test": (x, y), "train": (x, y), "validation": (x, y)}`.
    """
    found = {"test": (dataset.x_test, dataset.y_test), "train": (dataset.x_train, dataset.y_train)}
    if dataset.x_validation is not None:
        found["validation"] = (dataset.x_validation, dataset.y_validation)
    return found


def load_own_data(card: dict[str, Any], name: str | None = None) -> Dataset:
    """Loads the data set of a published model with the splits that its training had.

    Args:
        card: of the model.
        name: another data set to use instead.

    Raises:
        ValueError: the card names no data set, or the model takes inputs of another shape.
    """
    recipe = card.get("recipe") or {}
    name = name or recipe.get("dataset")
    if name is None:
        raise ValueError(f"The card of {card['name']} names no data set. Choose one with --dataset.")
    data = zoo.datasets.load(name, seed=card.get("seed", 0), num_validation=recipe.get("num_validation", 0))
    if list(data.x_test.shape[1:]) != card["input_shape"]:
        raise ValueError(
            f"{card['name']} takes inputs of shape {tuple(card['input_shape'])}, but {name} has inputs of shape "
            f"{data.x_test.shape[1:]}."
        )
    return data
