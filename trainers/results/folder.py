"""Checks of a folder that will take generated files."""

import pathlib

from trainers.runs.lock import locked
from zoo.files import check_generated


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
