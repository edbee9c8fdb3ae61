"""Locks on folders, on file systems that have locks; the system releases a lock when its process ends."""

import contextlib
import fcntl
import os
import pathlib
import platform
from collections.abc import Iterator

LOCK_FILE = ".lock"


@contextlib.contextmanager
def locked(folder: str | pathlib.Path, *, wait: bool = False) -> Iterator[int]:
    """Holds the lock of a folder; creates the folder and the lock file if they are missing.

    Args:
        folder: in which only one process may work.
        wait: whether to wait for another holder instead of raising an error.

    Yields:
        The file descriptor of the lock. A child process that inherits it holds the lock as well.

    Raises:
        OSError: another process holds the lock, or the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OSError(f"The folder {str(folder)!r} cannot be written ({error}). Choose another one.") from error
    try:
        _acquire(descriptor, folder, wait)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor, folder, wait):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace")
        raise OSError(
            f"The folder {str(folder)!r} is in use by {holder or 'another process'}, or by a run that it started. "
            "Wait until it ends, or choose another folder."
        ) from None
    except OSError as error:
        from zoo.files import NO_LOCKS  # a program that takes locks alone starts without Keras

        if error.errno not in NO_LOCKS:
            raise
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}".encode(), 0)
