"""The card of a SavedModel: what it is, how well it does, and the checksums that protect it."""

import hashlib
import json
import pathlib

from zoo.validation import check_number

CARD_FILE = "card.json"
CHECKSUM = "card_sha256"
FIELDS = {"name": str, "errors": dict, "num_parameters": int, "input_shape": list, "model": dict, "files": dict}


def file_sums(directory):
    """SHA-256 of every file of a SavedModel but its card: `{path relative to the folder: hexadecimal digest}`.

    Raises:
        ValueError: there is a link, which could lead out of the folder, or something else that is no file.
    """
    directory, sums = pathlib.Path(directory), {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(f"The SavedModel {directory} holds {name!r}, which is a link or no file.")
        if path.is_file() and name != CARD_FILE:
            with open(path, "rb") as opened:
                sums[name] = hashlib.file_digest(opened, "sha256").hexdigest()
    return sums


def card_sum(card):
    """SHA-256 of a card without its own checksum."""
    content = {key: value for key, value in card.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_card(directory, card):
    """Completes a card by the checksums and writes it into the SavedModel's folder.

    Returns:
        The completed card.
    """
    card = json.loads(json.dumps({**card, "files": file_sums(directory)}))  # as it will be read
    card[CHECKSUM] = card_sum(card)
    (pathlib.Path(directory) / CARD_FILE).write_text(json.dumps(card, indent=1))
    return card


def read_card(directory):
    """Reads the card of a SavedModel and checks the card itself, not the other files.

    Raises:
        FileNotFoundError: there is no card.
        ValueError: the card is damaged or altered, or an error on it is no number.
    """
    path = pathlib.Path(directory) / CARD_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{directory} has no {CARD_FILE}: it is no SavedModel of this zoo, or is incomplete.")
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
    for split, error in {**card["errors"], "published": card.get("published_error") or 0.0}.items():
        try:
            check_number(f"The error {split!r}", error)
        except TypeError as problem:
            raise ValueError(f"{path} is damaged: {problem}") from problem
    return card


def verify(directory):
    """Reads the card and checks every file against it.

    Returns:
        The card.

    Raises:
        FileNotFoundError: there is no card.
        ValueError: the card or a file was altered, is missing, or was added; with the names.
    """
    card, found = read_card(directory), file_sums(directory)
    wrong = sorted(name for name in card["files"].keys() | found.keys() if card["files"].get(name) != found.get(name))
    if wrong:
        raise ValueError(
            f"The SavedModel {directory} is damaged or altered: {', '.join(wrong)} differs from the card. "
            "Export it anew or fetch it again."
        )
    return card


def card_names(directory):
    """The names of the folders with a card, sorted; hidden ones are not complete."""
    found = pathlib.Path(directory).glob(f"*/{CARD_FILE}")
    return sorted(card.parent.name for card in found if not card.parent.name.startswith("."))
