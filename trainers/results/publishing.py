"""The folder of published SavedModels: how a trained recipe gets there, and its index."""

import pathlib

from trainers.results.tables import as_published, label
from trainers.runs.lock import locked
from trainers.runs.run import versions
from zoo import pretrained
from zoo.files import check_generated, write_generated
from zoo.pretrained.card import card_names, read_card

INDEX = """# Pretrained models

Generated from the models' cards by `trainers.train`. The test error in per cent is that of the SavedModel, which is one
seed's; the published one is a paper's mean. The card (`card.json`) has the seed and the source.

| name | test error | published | parameters | MiB |
|---|---|---|---|---|
{rows}

`zoo.load("NAME")` gives a Keras model. `tf.saved_model.load("saved_models/NAME").serve(x)` needs nothing of the zoo:
raw pixels from 0 to 255, or raw signals, in float32, to class probabilities; `.logits(x)` likewise.
"""


def check_folder(directory):
    """Refuses, before anything is trained, a folder that could not take a SavedModel and its index.

    Raises:
        ValueError: its `README.md` is somebody else's.
        OSError: it cannot be written.
    """
    check_generated(pathlib.Path(directory) / "README.md", INDEX)
    with locked(directory, wait=True):
        pass


def publish(recipe, result, model, dataset, directory):
    """Writes the SavedModel of a run, with its card, into a folder, and the folder's index anew.

    Args:
        recipe: the `Recipe` that ran.
        result: the figures of the run, from `trainers.run.train`.
        model: the trained model.
        dataset: on whose splits the SavedModel is measured.
        directory: folder of SavedModels.

    Returns:
        The folder of this one, and its card.
    """
    fields = {
        "recipe": recipe.as_dict(),
        "seed": result["seed"],
        "published_error": recipe.published_error,
        "source": recipe.source,
        "training": {key: result[key] for key in ("epochs", "seconds", "backend", "device", "versions")},
        "export_versions": versions(),
    }
    splits = {"test": (dataset.x_test, dataset.y_test), "train": (dataset.x_train, dataset.y_train)}
    if dataset.x_validation is not None:
        splits["validation"] = (dataset.x_validation, dataset.y_validation)
    folder = pathlib.Path(directory) / recipe.name
    with locked(directory, wait=True):
        card = pretrained.export(model, folder, card=fields, splits=splits)
        write_index(directory)
    return folder, card


def write_index(directory):
    """Writes `README.md` into a folder of SavedModels: a table of their names, errors and sizes, from their cards.

    Returns:
        The text.
    """
    directory = pathlib.Path(directory)
    text = INDEX.format(rows="\n".join(row(directory / name) for name in card_names(directory)))
    write_generated(directory / "README.md", text)
    return text


def row(folder):
    """A SavedModel's line of the index."""
    card = read_card(folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
    name = label(card["recipe"]) if card.get("recipe") else f"`{card['name']}`"
    error = f"{card['errors']['test']:.2f}" if "test" in card["errors"] else "–"
    published = as_published(card.get("published_error"))
    return f"| {name} | {error} | {published} | {card['num_parameters']:,} | {size:.1f} |"
