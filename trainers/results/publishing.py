"""The folder of published SavedModels: exports into it, and its index."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import zoo
from trainers.results.files import check_folder
from trainers.results.lock import locked
from trainers.results.markdown import as_size, table
from trainers.results.tables import as_published, label
from zoo.files import write_atomic, write_generated
from zoo.pretrained import index
from zoo.pretrained.card import AUTO_ATTACK, ROBUST_ERROR, card_names, model_sum, read_card, verify, write_card

COLUMNS = ("name", "test error", "published", "robust error", "parameters", "MiB")
INDEX = """# Pretrained models

Generated from the cards of the models by `trainers.train`. The test error in percent is that of the SavedModel, which
comes from one seed; the published error is the mean that a paper reports. The card (`card.json`) holds the seed and the
source. The robust error is the error in percent under AutoAttack (see `trainers.analyze`) on n test images, where each
pixel, from 0 to 1, changes by at most ε.

{table}
`zoo.load("NAME")` gives a Keras model. `tf.saved_model.load("saved_models/NAME").serve(x)` works without this library:
it takes raw pixels from 0 to 255, or raw signals, in float32, and returns class probabilities; `.logits(x)` returns
logits.
"""


def check_models_folder(directory: str | pathlib.Path) -> None:
    """Checks that a folder can take a SavedModel and its index; call it before training begins.

    Args:
        directory: folder of SavedModels; created if it is missing.

    Raises:
        ValueError: `README.md` is not ours, or a card is damaged.
        OSError: the folder cannot be written.
    """
    check_folder(directory, INDEX)
    for name in card_names(pathlib.Path(directory)):
        read_card(pathlib.Path(directory) / name)


def write_index(directory: str | pathlib.Path) -> str:
    """Writes `README.md` into a folder of SavedModels: a table of names, errors and sizes, from their cards.

    Args:
        directory: folder of SavedModels.

    Returns:
        The text.
    """
    directory = pathlib.Path(directory)
    text = INDEX.format(table=table(COLUMNS, [cells(directory / name) for name in card_names(directory)]))
    write_generated(directory / "README.md", text)
    return text


def add_robust_errors(directory: str | pathlib.Path, analyses: Mapping[str, Any]) -> int:
    """Writes the error under AutoAttack on the card of every model that has one, and updates the table of the folder.

    Args:
        directory: folder of SavedModels.
        analyses: from `trainers.analysis.report.read_analyses`. An analysis of another version of a model is ignored.

    Returns:
        The number of cards that changed. If there is none, nothing is written.

    Raises:
        ValueError: a model or its card is damaged, or `README.md` is not ours.
        OSError: the folder cannot be written.
    """
    directory, changed = pathlib.Path(directory), {}
    for name in card_names(directory):
        card = read_card(directory / name)
        analysis = analyses.get(card["name"], {})
        entry = analysis.get("errors", {}).get(AUTO_ATTACK)
        if entry and analysis.get("sha256") == model_sum(card) and card.get(ROBUST_ERROR) != robust_error(entry):
            changed[name] = robust_error(entry)
    if changed:
        check_folder(directory, INDEX)
        with locked(directory, wait=True):
            for name, robust in changed.items():
                write_card(directory / name, {**verify(directory / name), ROBUST_ERROR: robust})
            write_index(directory)
    return len(changed)


def robust_error(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The robust error of a card, from the entry of AutoAttack in an analysis."""
    settings = entry["settings"]
    return {
        "error": entry["error"],
        "standard_error": entry["standard_error"],
        "attack": settings["attack"],
        "norm": "linf",
        "epsilon": settings["size"],
        "input_range": settings["input_range"],
        "num_examples": settings["num_examples"],
        "date": entry["date"],
    }


def write_download_index(directory: str | pathlib.Path, base: str | None = None) -> int:
    """Writes the index of the models that `zoo.load` downloads into the package.

    Args:
        directory: folder of SavedModels.
        base: address under which the folder will be found. By default, that of the repository at the tag of this
            version.

    Returns:
        The number of models.

    Raises:
        ValueError: the folder holds no models, or a card is damaged.
    """
    base = base or f"{index.HOMEPAGE}/raw/v{zoo.__version__}/saved_models"
    content = index.make_index(directory, base)
    if not content["models"]:
        raise ValueError(
            f"{directory} holds no models, so the index stays as it was. Choose the folder of SavedModels."
        )
    write_atomic(index.INDEX_FILE, json.dumps(content, indent=1) + "\n")
    return len(content["models"])


def cells(folder: pathlib.Path) -> tuple[str, ...]:
    """The cells of a SavedModel under `COLUMNS`."""
    card = read_card(folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
    name = label(card["recipe"]) if card.get("recipe") else f"`{card['name']}`"
    error = f"{card['errors']['test']:.2f}" if "test" in card["errors"] else "–"
    robust = card.get(ROBUST_ERROR)
    attacked = "–"
    if robust is not None:
        attacked = f"{robust['error']:.1f} (n = {robust['num_examples']}, ε = {as_size(robust['epsilon'])})"
    published = as_published(card.get("published_error"))
    return name, error, published, attacked, f"{card['num_parameters']:,}", f"{size:.1f}"
