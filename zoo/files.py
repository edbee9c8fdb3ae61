"""Files that are there whole or not at all."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def replacing(path):
    """A temporary file beside `path`, of the same suffix, that takes its place when the `with` block ends well.

    Args:
        path: of the file; an earlier one is replaced.

    Yields:
        The temporary path, to write to.

    Raises:
        OSError: it cannot be written; an earlier file is as it was.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path, text):
    """Writes a text file under a temporary name and renames it when it is complete.

    Args:
        path: of the file; an earlier one is replaced.
        text: its content.

    Raises:
        OSError: it cannot be written; an earlier file is as it was.
    """
    with replacing(path) as temporary:
        temporary.write_text(text)
