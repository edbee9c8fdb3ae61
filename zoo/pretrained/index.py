"""The index of the models that can be downloaded: a JSON file that ships with the package."""

import dataclasses
import json
import os
import pathlib
import re
from typing import Any

from zoo.pretrained.card import CARD_FILE, CHECKSUM, card_names, read_card

HOMEPAGE = "https://github.com/regularized-zoo/regularized-zoo"
INDEX_FILE = pathlib.Path(__file__).with_name("index.json")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model that can be downloaded.

    Attributes:
        address: of the folder of the SavedModel, below the base address.
        size: bytes of all its files.
        sha256: checksum of its card, which holds those of the other files.
        errors: `{split: error in percent}`, as on the card.
    """

    address: str
    size: int
    sha256: str
    errors: dict[str, float]


def read_index() -> tuple[str, dict[str, Entry]]:
    """Reads the index that ships with the package.

    Returns:
        The base address, which is `ZOO_MODELS_URL` if set, and `{name: entry}`.

    Raises:
        ValueError: `ZOO_MODELS_URL` is no address.

    Example:
        >>> from zoo.pretrained.index import read_index
        >>> base, entries = read_index()
        >>> sorted(entries["synthetic_mlp-vat"].errors)
        ['test', 'train']
    """
    content = json.loads(INDEX_FILE.read_text())
    chosen = os.environ.get("ZOO_MODELS_URL")
    if chosen and not re.match("(https?|hf)://[^/]", chosen):
        raise ValueError(f"ZOO_MODELS_URL must begin with https://, http:// or hf://, received {chosen!r}.")
    base = chosen or content["base"]
    return base.rstrip("/"), {name: Entry(**entry) for name, entry in content["models"].items()}


def make_index(directory: str | os.PathLike, base: str) -> dict[str, Any]:
    """Makes an index of a folder of SavedModels.

    Args:
        directory: folder of SavedModels.
        base: address under which the folder will be found.

    Returns:
        The content of the index, as JSON values.

    Raises:
        ValueError: a card is damaged.

    Example:
        >>> from zoo.pretrained import default_directory
        >>> from zoo.pretrained.index import make_index
        >>> make_index(default_directory(), "https://example.org/models")["models"]["synthetic_mlp-vat"]["address"]
        'synthetic_mlp-vat'
    """
    models = {}
    for name in card_names(directory):
        folder = pathlib.Path(directory) / name
        card = read_card(folder)
        size = sum((folder / file).stat().st_size for file in (CARD_FILE, *card["files"]))
        models[name] = dataclasses.asdict(Entry(name, size, card[CHECKSUM], card["errors"]))
    return {"base": base, "models": models}
