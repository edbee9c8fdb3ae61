"""The cache folder, and atomic writes: after a crash, a file or folder is either complete or absent."""

import contextlib
import errno
import itertools
import os
import pathlib
import platform
import shutil
from collections.abc import Iterator

ASIDE = ".old"
NO_LOCKS = (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP)  # of a file system
_numbers = itertools.count()
_writing: set[str] = set()  # names of this process's temporary files


def cache_folder() -> pathlib.Path:
    """Returns the folder of data sets and models that the zoo keeps: `ZOO_CACHE_DIR`, or `~/.cache/regularized-zoo`.

    Example:
        >>> from zoo.files import cache_folder
        >>> file = cache_folder() / "mnist.npz"
        >>> file.name
        'mnist.npz'
    """
    return pathlib.Path(os.environ.get("ZOO_CACHE_DIR", "~/.cache/regularized-zoo")).expanduser()


@contextlib.contextmanager
def atomic(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path, and renames it to `path` once the block has filled it.

    The content reaches the disk before the rename. An existing folder is moved aside first. Temporary files that
    killed processes left in the same folder are removed. Of several threads or processes that write the same path, each
    writes its own temporary file, and the last rename wins.

    Args:
        path: the file or folder to write. An existing one is replaced.

    Yields:
        The temporary path, in the same folder. Nothing exists there yet.

    Raises:
        OSError: writing failed. An existing file or folder is unchanged.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo.files import atomic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "errors.txt"
        ...     with atomic(path) as temporary:
        ...         _ = temporary.write_text("1.12")
        ...     path.read_text()
        '1.12'
    """
    path = pathlib.Path(path)
    stem = f".{path.name}.{platform.node()}-"
    with locked(path.parent):
        _tidy(path, stem)
    name = f"{stem}{os.getpid()}-{next(_numbers)}"
    temporary, aside = path.with_name(name), path.with_name(name + ASIDE)
    _writing.add(name)
    try:
        yield temporary
        _sync(temporary)
        with locked(path.parent):
            _move(temporary, path, aside)
        _sync_one(path.parent)
    finally:
        remove(temporary)
        remove(aside)
        _writing.discard(name)


@contextlib.contextmanager
def locked(path: str | os.PathLike) -> Iterator[None]:
    """Holds the lock of a file or a folder; waits while another thread or process holds it.

    The system releases the lock when the process ends. A file system without locks is used without them.

    Args:
        path: an existing folder, or a file, which appears if it is missing.

    Raises:
        OSError: the file cannot be written, or the folder cannot be read.

    Example:
        >>> import tempfile
        >>> from zoo.files import locked
        >>> with tempfile.TemporaryDirectory() as folder, locked(folder):
        ...     print("alone")
        alone
    """
    import fcntl  # here, because Windows has none, and reads models without it

    flags = os.O_RDONLY if os.path.isdir(path) else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)


def _move(temporary: pathlib.Path, path: pathlib.Path, aside: pathlib.Path) -> None:
    if path.is_dir():
        path.rename(aside)  # a rename cannot replace a folder that has content
    try:
        temporary.rename(path)
    except BaseException:  # includes Ctrl-C
        if aside.exists():
            aside.rename(path)
        raise


def _tidy(path: pathlib.Path, stem: str) -> None:
    """Removes the temporary files of killed processes, and restores a folder that one of them had moved aside."""
    for left in [each for each in path.parent.glob(".*") if each.name.startswith(stem)]:
        name = left.name.removesuffix(ASIDE)
        if name in _writing or _runs(name.removeprefix(stem).partition("-")[0]):
            continue
        if left.name.endswith(ASIDE) and not path.exists():
            left.rename(path)
        else:
            remove(left)


def write_atomic(path: str | os.PathLike, text: str) -> None:
    """Writes a text file atomically, see `atomic`.

    Args:
        path: the file. An existing one is replaced.
        text: its content.

    Raises:
        OSError: writing failed. An existing file is unchanged.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo.files import write_atomic
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "errors.txt"
        ...     write_atomic(path, "1.12")
        ...     path.read_text()
        '1.12'
    """
    with atomic(path) as temporary:
        temporary.write_text(text)


def check_generated(path: str | os.PathLike, text: str) -> None:
    """Checks that a generated text may replace a file: the file is missing, or begins with the same line.

    Args:
        path: the file.
        text: the generated text.

    Raises:
        ValueError: the file begins with another line, so it is not an earlier version of the text.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo.files import check_generated
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     check_generated(pathlib.Path(folder) / "README.md", "# Results")
    """
    heading, path = text.splitlines()[0], pathlib.Path(path)
    present = path.read_text().splitlines()[:1] if path.exists() else [heading]
    if present != [heading]:
        raise ValueError(
            f"{path} is not what is generated there: its first line is {''.join(present)!r}, not {heading!r}. "
            "Choose another folder."
        )


def write_generated(path: str | os.PathLike, text: str) -> None:
    r"""Writes a generated text file atomically. Replaces only earlier versions of the same text.

    Args:
        path: the file.
        text: the generated text. Its first line identifies it.

    Raises:
        ValueError: the existing file is not an earlier version, see `check_generated`.
        OSError: writing failed.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo.files import write_generated
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "README.md"
        ...     for error in ("1.12", "0.64"):
        ...         write_generated(path, f"# Results\n{error}")
        ...     path.read_text()
        '# Results\n0.64'
    """
    check_generated(path, text)
    write_atomic(path, text)


def remove(path: pathlib.Path) -> None:
    """Removes a file, a link or a folder with its content, if it exists.

    Args:
        path: the file or folder.

    Example:
        >>> import pathlib, tempfile
        >>> from zoo.files import remove
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     remove(pathlib.Path(folder) / "missing")
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _runs(process: str) -> bool:
    """Whether another process with this number runs on this machine."""
    if not process.isdigit() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync(path: pathlib.Path) -> None:
    """Flushes a file, or a folder with its content, to the disk, so that it survives a power cut."""
    for each in (*path.rglob("*"), path) if path.is_dir() else (path,):
        _sync_one(each)


def _sync_one(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
