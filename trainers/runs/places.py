"""Where the figures and the model of a run go: checked before it begins, and the model written after it."""

import pathlib
from typing import Any

import keras

from trainers.results import publishing, store
from trainers.results.lock import locked
from trainers.runs.data import splits
from trainers.runs.measuring import versions
from zoo import pretrained
from zoo.datasets import Dataset
from zoo.pretrained.card import CARD_FILE, write_card
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


def publish(
    recipe: Recipe,
    result: dict[str, Any],
    model: keras.Model,
    dataset: Dataset,
    directory: str | pathlib.Path,
    verbose: int = 0,
) -> tuple[pathlib.Path, dict[str, Any]]:
    """Writes the SavedModel of a run and its card into a folder, and rewrites the index of the folder.

    A model of the same run that is there stays: another export would have other bytes, to which its figures under
    attack would not belong.

    Args:
        recipe: that ran.
        result: figures of the run, from `trainers.runs.run.train`.
        model: the trained model.
        dataset: its splits measure the SavedModel.
        directory: folder of SavedModels.
        verbose: 1 shows a progress bar while the errors are measured.

    Returns:
        The folder of this SavedModel, and its card.
    """
    fields = {
        "recipe": recipe.as_dict(),
        "seed": result["seed"],
        "published_error": recipe.published_error,
        "source": recipe.source,
        "training": {key: result[key] for key in ("epochs", "seconds", "backend", "device", "versions")},
        "export_versions": versions(),
    }
    folder = pathlib.Path(directory) / recipe.name
    with locked(directory, wait=True):
        if card := exported_card(folder, recipe, fields):
            told = ("recipe", "published_error", "source")  # what the recipe says of itself may be new
            card = write_card(folder, {**card, **{key: fields[key] for key in told}})
        else:
            card = pretrained.export(model, folder, card=fields, splits=splits(dataset), verbose=verbose)
        publishing.write_index(directory)
    return folder, card


def exported_card(folder: pathlib.Path, recipe: Recipe, fields: dict[str, Any]) -> dict[str, Any]:
    """The card of a SavedModel if it is sound and of this run; otherwise an empty one.

    Args:
        folder: of the SavedModel.
        recipe: that ran.
        fields: of the run's card.
    """
    if not (folder / CARD_FILE).exists():
        return {}
    try:
        card = pretrained.verify(folder)
        same = store.settings_in(card, folder / CARD_FILE) == recipe.settings()
    except (ValueError, OSError):  # damaged
        return {}
    return card if same and all(card.get(key) == fields[key] for key in ("seed", "training")) else {}
