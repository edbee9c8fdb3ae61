"""Files that are there whole or not at all."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def whole(path):
    """Gives a temporary path to fill, and renames it to `path` when it is complete.

    Args:
        path: of the file to be; an earlier one is replaced.

    Yields:
        The temporary path, beside `path`: nothing is there yet.

    Raises:
        OSError: it cannot be written; an earlier one is as it was.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path, text):
    """Writes a text file that appears whole, see `whole`.

    Args:
        path: of the file; an earlier one is replaced.
        text: its content.

    Raises:
        OSError: it cannot be written; an earlier file is as it was.
    """
    with whole(path) as temporary:
        temporary.write_text(text)
