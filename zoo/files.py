"""Files that are there whole or not at all."""

import os
import pathlib


def write_whole(path, text):
    """Writes a text file under a temporary name and renames it when it is complete.

    Args:
        path: of the file; an earlier one is replaced.
        text: its content.

    Raises:
        OSError: it cannot be written; an earlier file is as it was.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
