"""Folders and files that commands write: their checks, and in which settings two differ."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from trainers.results.lock import locked
from zoo.files import check_generated
from zoo.recipes import Recipe

# Recorded settings may lack fields that are newer than they are, and then mean these values.
DEFAULTS = {
    field.name: field.default for field in dataclasses.fields(Recipe) if field.default is not dataclasses.MISSING
}


def check_folder(directory: str | pathlib.Path, text: str) -> None:
    """Checks that a folder can take files and a generated `README.md`; call it before long work begins.

    Args:
        directory: the folder; created if it is missing.
        text: an example of the generated `README.md`. Its first line tells our files from others.

    Raises:
        ValueError: the folder has a `README.md` with another first line.
        OSError: the folder cannot be written.
    """
    check_generated(pathlib.Path(directory) / "README.md", text)
    with locked(directory, wait=True):
        pass


def read_json(path: str | pathlib.Path) -> Any:
    """Reads a JSON file of a run or of a search.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        return json.loads(pathlib.Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Remove it, or choose another folder.") from error


def differences(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Lists the fields in which two mappings differ; empty if they agree.

    Args:
        present: on disk; missing recipe fields have their defaults.
        wanted: by the present command; likewise.
    """
    there, here = ({**dict.fromkeys(present.keys() | wanted.keys()), **DEFAULTS, **each} for each in (present, wanted))
    fields = sorted(field for field in present.keys() | wanted.keys() if there[field] != here[field])
    return "; ".join(f"{field} is {there[field]!r} there and {here[field]!r} here" for field in fields)
