"""Locks on folders, which end with the process that holds them."""

import contextlib
import fcntl
import os
import pathlib
import platform

LOCK_FILE = ".lock"


@contextlib.contextmanager
def locked(folder, *, wait=False):
    """Holds the one lock of a folder; both folder and lock file are made where they lack.

    Args:
        folder: that no second process should work in.
        wait: whether to wait for another holder rather than to refuse.

    Yields:
        The lock's file descriptor: a child process that inherits it holds the lock as well.

    Raises:
        OSError: another process holds it, named in the message; or the folder cannot be written.
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
            "Wait for its end, or choose another folder."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()}".encode(), 0)
