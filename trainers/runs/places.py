"""Where the figures and the model of a run go, checked before it begins."""

import pathlib

from trainers.results import publishing, store
from zoo.pretrained.card import CARD_FILE
from zoo.recipes import Recipe


def check_places(recipe: Recipe, results: str | None, saved_models: str | None) -> None:
    """Checks that the folders can take the figures and the SavedModel of a recipe.

    Args:
        recipe: that will run.
        results: results folder, or None.
        saved_models: folder of published models, or None.

    Raises:
        ValueError: figures of other settings would be replaced, or a folder holds damaged or other files.
        OSError: a folder cannot be written.
    """
    if results:
        store.check_place(pathlib.Path(results) / f"{recipe.name}.json", recipe)
        store.check_results(results)
    if saved_models:
        store.check_place(pathlib.Path(saved_models) / recipe.name / CARD_FILE, recipe)
        publishing.check_models_folder(saved_models)
