"""The card of a SavedModel: what the model is, its measured errors, and checksums of its files."""

import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from zoo.files import write_atomic
from zoo.validation import check_number

CARD_FILE = "card.json"
CHECKSUM = "card_sha256"
ROBUST_ERROR = "robust_error"
AUTO_ATTACK = "autoattack"  # the attack of that error
ROBUST_PARTS = ("error", "epsilon", "num_examples")  # its numbers
FIELDS = {"name": str, "errors": dict, "num_parameters": int, "input_shape": list, "model": dict, "files": dict}


def file_sums(directory: str | os.PathLike) -> dict[str, str]:
    """Computes the SHA-256 checksum of every file of a SavedModel except its card.

    Args:
        directory: folder of the SavedModel.

    Returns:
        `{path relative to the folder: hexadecimal digest}`.

    Raises:
        ValueError: the folder contains a link, which could point out of the folder, or a special file.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo.pretrained.card import file_sums
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (pathlib.Path(folder) / "saved_model.pb").write_bytes(b"graph")
        ...     list(file_sums(folder))
        ['saved_model.pb']
    """
    directory, sums = pathlib.Path(directory), {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"The SavedModel {directory} holds {name!r}, which is a link or a special file.")
        if path.is_file() and name != CARD_FILE and not name.startswith(f".{CARD_FILE}."):  # which is being written
            with open(path, "rb") as opened:
                sums[name] = hashlib.file_digest(opened, "sha256").hexdigest()
    return sums


def card_sum(card: dict[str, Any]) -> str:
    """Computes the SHA-256 checksum of a card without its own checksum.

    Args:
        card: the card.

    Example:
        >>> from zoo.pretrained.card import CHECKSUM, card_sum
        >>> card_sum({"name": "toy", CHECKSUM: "any"}) == card_sum({"name": "toy"})
        True
    """
    content = {key: value for key, value in card.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def model_sum(card: Mapping[str, Any]) -> str:
    """Computes the checksum that identifies a model: that of its card without the robust error.

    The robust error is measured after the export, so adding it does not make another model.

    Args:
        card: the card.

    Example:
        >>> from zoo.pretrained.card import card_sum, model_sum
        >>> model_sum({"name": "toy", "robust_error": {"error": 9.5}}) == card_sum({"name": "toy"})
        True
    """
    return card_sum({key: value for key, value in card.items() if key != ROBUST_ERROR})


def write_card(directory: str | os.PathLike, card: dict[str, Any]) -> dict[str, Any]:
    """Adds the checksums to a card and writes it into the folder of the SavedModel.

    Args:
        directory: folder of the SavedModel.
        card: the card without checksums.

    Returns:
        The complete card, as `read_card` returns it.

    Example:
        >>> import tempfile
        >>> from zoo.pretrained.card import write_card
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sorted(write_card(folder, {"name": "toy"}))
        ['card_sha256', 'files', 'name']
    """
    card = json.loads(json.dumps({**card, "files": file_sums(directory)}))
    card[CHECKSUM] = card_sum(card)
    write_atomic(pathlib.Path(directory) / CARD_FILE, json.dumps(card, indent=1))
    return card


def read_card(directory: str | os.PathLike) -> dict[str, Any]:
    """Reads the card of a SavedModel. Checks the card itself, but not the other files.

    Args:
        directory: folder of the SavedModel.

    Returns:
        The card.

    Raises:
        FileNotFoundError: there is no card.
        ValueError: the card is damaged or altered, or an error on it is not a number.

    Example:
        >>> from zoo.pretrained import find
        >>> from zoo.pretrained.card import read_card
        >>> read_card(find("synthetic_mlp-vat"))["input_shape"]
        [100]
    """
    path = pathlib.Path(directory) / CARD_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{directory} has no {CARD_FILE}. It is not a SavedModel of this zoo, or it is incomplete."
        )
    try:
        card = json.loads(path.read_text())
        intact = card[CHECKSUM] == card_sum(card)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error!r}.") from error
    if not intact:
        raise ValueError(f"{path} was altered: its checksum does not match its content.")
    for field, kind in FIELDS.items():
        if not isinstance(card.get(field), kind):
            raise ValueError(f"{path} is damaged: {field!r} must be {kind.__name__}, received {card.get(field)!r}.")
    try:
        for split, error in {**card["errors"], "published": card.get("published_error") or 0.0}.items():
            check_number(f"The error {split!r}", error)
        for part in ROBUST_PARTS if ROBUST_ERROR in card else ():
            check_number(f"{part!r} of {ROBUST_ERROR!r}", card[ROBUST_ERROR].get(part))
    except (AttributeError, TypeError) as problem:
        raise ValueError(f"{path} is damaged: {problem}") from problem
    return card


def verify(directory: str | os.PathLike) -> dict[str, Any]:
    """Reads the card of a SavedModel and checks every file against it.

    Args:
        directory: folder of the SavedModel.

    Returns:
        The card.

    Raises:
        FileNotFoundError: there is no card.
        ValueError: the card is damaged, or a file was altered, removed or added. The message names the files.

    Example:
        >>> import zoo
        >>> zoo.pretrained.verify(zoo.pretrained.find("synthetic_mlp-vat"))["name"]
        'synthetic_mlp-vat'
    """
    card, found = read_card(directory), file_sums(directory)
    changed = sorted(name for name in card["files"].keys() | found.keys() if card["files"].get(name) != found.get(name))
    if changed:
        raise ValueError(
            f"The SavedModel {directory} is damaged or altered: {', '.join(changed)} differs from the card. "
            "Export it again or fetch another copy."
        )
    return card


def card_names(directory: str | os.PathLike) -> list[str]:
    """Lists the folders that have a card, sorted. Skips hidden folders, which are incomplete.

    Args:
        directory: folder of SavedModels.

    Example:
        >>> from zoo.pretrained import default_directory
        >>> from zoo.pretrained.card import card_names
        >>> "synthetic_mlp-vat" in card_names(default_directory())
        True
    """
    found = pathlib.Path(directory).glob(f"*/{CARD_FILE}")
    return sorted(card.parent.name for card in found if not card.parent.name.startswith("."))
