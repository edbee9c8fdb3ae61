"""Files and folders that are there whole or not at all."""

import contextlib
import os
import pathlib
import platform
import shutil

ASIDE = ".old"


@contextlib.contextmanager
def atomic(path):
    """Gives a temporary path to fill, and renames it to `path` when it is complete and on the disk.

    A folder that it replaces is moved aside first. What a killed process left behind beside `path` is removed.

    Args:
        path: of the file or folder to be; an earlier one is replaced.

    Yields:
        The temporary path, beside `path`: nothing is there yet.

    Raises:
        OSError: it cannot be written; an earlier one is as it was.
    """
    path = pathlib.Path(path)
    stem = f".{path.name}.{platform.node()}-"
    _tidy(path, stem)
    temporary, aside = (path.with_name(f"{stem}{os.getpid()}{ending}") for ending in ("", ASIDE))
    try:
        yield temporary
        _sync(temporary)
        _move(temporary, path, aside)
        _sync_one(path.parent)
    finally:
        remove(temporary)
        remove(aside)


def _move(temporary, path, aside):
    if path.is_dir():
        path.rename(aside)  # a folder with content cannot be renamed over
    try:
        temporary.rename(path)
    except BaseException:  # Ctrl-C as well
        if aside.exists():
            aside.rename(path)
        raise


def _tidy(path, stem):
    """Removes what killed processes left beside `path`, and brings back what one of them had moved aside."""
    for left in [each for each in path.parent.glob(".*") if each.name.startswith(stem)]:
        if _runs(left.name.removeprefix(stem).removesuffix(ASIDE)):
            continue
        if left.name.endswith(ASIDE) and not path.exists():
            left.rename(path)
        else:
            remove(left)


def write_atomic(path, text):
    """Writes a text file that appears whole, see `atomic`.

    Args:
        path: of the file; an earlier one is replaced.
        text: its content.

    Raises:
        OSError: it cannot be written; an earlier file is as it was.
    """
    with atomic(path) as temporary:
        temporary.write_text(text)


def check_generated(path, text):
    """Refuses to replace a text file by a generated one where it is no earlier version of it: of the same first line.

    Raises:
        ValueError: with both first lines.
    """
    heading, path = text.splitlines()[0], pathlib.Path(path)
    present = path.read_text().splitlines()[:1] if path.exists() else [heading]
    if present != [heading]:
        raise ValueError(
            f"{path} is not what is generated there: its first line is {''.join(present)!r}, not {heading!r}. "
            "Choose another folder."
        )


def write_generated(path, text):
    """Writes a generated text file, see `write_atomic`, in place of its own earlier versions alone.

    Raises:
        ValueError: the file there is another one, see `check_generated`.
        OSError: it cannot be written.
    """
    check_generated(path, text)
    write_atomic(path, text)


def remove(path):
    """Removes a file or a folder; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _runs(process):
    """Whether another process with this number, as text, runs on this machine."""
    if not process.isdigit() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync(path):
    """Brings a file, or all of a folder, from the system's memory to the disk, so that a power cut leaves it whole."""
    for each in (*path.rglob("*"), path) if path.is_dir() else (path,):
        _sync_one(each)


def _sync_one(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
