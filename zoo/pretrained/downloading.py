"""Downloads of SavedModels into the cache: file by file, each checked against the card before anything opens it."""

import contextlib
import errno
import hashlib
import os
import pathlib
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, Protocol

from zoo.files import atomic, cache_folder, locked
from zoo.pretrained.card import CARD_FILE, CHECKSUM, read_card, verify
from zoo.pretrained.http_source import HttpSource
from zoo.pretrained.hub_source import SCHEME, HubSource

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
MAX_CARD = 2**26  # bytes; cards of large networks have less than a hundredth of it
MAX_FILE = 2**31  # bytes of a file of a model whose size is not in the index
FILE_NAME = re.compile(r"[\w+-][\w.+-]*(/[\w+-][\w.+-]*)*")  # a path that stays in its folder, without hidden parts


class Source(Protocol):
    """A place that holds the files of one model."""

    def fetch(self, file: str, folder: pathlib.Path, limit: int | None) -> None:
        """Writes a file of the model into a folder, and fails if it has more than `limit` bytes."""
        ...

    def finish(self) -> None:
        """Ends what shows the progress."""
        ...


def is_address(name: str | os.PathLike) -> bool:
    """Whether a name is an address, such as `hf://user/name`, and not the name or the path of a model.

    Args:
        name: the name.

    Example:
        >>> from zoo.pretrained.downloading import is_address
        >>> is_address("hf://user/digits"), is_address("saved_models/digits")
        (True, False)
    """
    return isinstance(name, str) and "://" in name


def cached_models() -> pathlib.Path:
    """Returns the folder of downloaded models.

    Example:
        >>> from zoo.pretrained.downloading import cached_models
        >>> cached_models().name
        'models'
    """
    return cache_folder() / "models"


def folder_of(address: str) -> pathlib.Path:
    """Returns the folder of the cache that belongs to an address. Its last component is the name of the model.

    Args:
        address: `hf://user/name`, with `@` and a revision or without, or `https://host/path/name`.

    Raises:
        ValueError: the address has another form.

    Example:
        >>> from zoo.pretrained.downloading import folder_of
        >>> folder_of("hf://user/digits@v1").name
        'digits'
    """
    form = r"hf://[\w.-]+/(?P<name>\w[\w.-]*)(@[\w./-]+)?|https?://[^?#\s]+/(?P<last>\w[\w.+-]*)/?"
    found = re.fullmatch(form, address)
    if not found:
        raise ValueError(
            "The address of a model looks like 'hf://user/name', 'hf://user/name@revision' or "
            f"'https://host/path/name', received {address!r}."
        )
    key = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:16]
    return cached_models() / key / (found["name"] or found["last"])


def check_upload_address(address: str) -> None:
    """Checks that uploads can go to an address.

    Args:
        address: `hf://user/name`, with `@` and a branch or without.

    Raises:
        ValueError: the address has another form.

    Example:
        >>> from zoo.pretrained.downloading import check_upload_address
        >>> check_upload_address("hf://user/digits")
    """
    folder_of(address)
    if not address.startswith(SCHEME):
        raise ValueError(f"Uploads go to 'hf://user/name', received {address!r}.")


def obtain(address: str, folder: pathlib.Path, *, sha256: str | None = None, size: int | None = None) -> pathlib.Path:
    """Downloads a model into a folder of the cache, unless the folder already holds it.

    Without `sha256` the card tells whether the model has changed: `obtain` downloads it and compares. If the address
    cannot be reached, or names a commit, the model in the cache is taken as it is.

    Args:
        address: of the folder of the SavedModel.
        folder: folder of the cache, which appears complete or not at all.
        sha256: checksum that the card must have.
        size: bytes of all files, if known.

    Returns:
        `folder`.

    Raises:
        ImportError: the address begins with `hf://`, and huggingface_hub is not installed.
        OSError: the address cannot be reached, or the disk is full.
        ValueError: the address holds no model of the zoo, another model than expected, or a damaged one.

    Example:
        >>> from zoo.pretrained.downloading import folder_of, obtain
        >>> address = "hf://user/digits@v1"
        >>> path = obtain(address, folder_of(address))  # doctest: +SKIP
    """
    present = _checksum(folder)
    if present and (present == sha256 or re.search(r"@[0-9a-f]{40}$", address)):
        return folder
    try:
        return _obtain(address, folder, sha256, size, present)
    except OSError as error:
        if error.errno in FULL_DISK:
            needed = f"{size / 2**20:.1f} MiB, or" if size else "space, or"
            raise OSError(
                f"The disk is full: {folder.name} does not fit into {folder.parent}. Free {needed} set ZOO_CACHE_DIR "
                "to a folder on another disk."
            ) from error
        if present and not sha256:
            return folder
        if isinstance(error, ConnectionError):
            raise ConnectionError(
                f"{folder.name} cannot be downloaded from {address}: {error}. Try again, or put its folder into "
                f"{folder.parent}."
            ) from error
        raise


def _checksum(folder):
    """The checksum on the card of an intact SavedModel, or None."""
    try:
        return verify(folder)[CHECKSUM]
    except (OSError, ValueError):
        return None


def _obtain(address, folder, sha256, size, present):
    hub = address.startswith(SCHEME)
    source: Source = HubSource(address) if hub else HttpSource(address, size, known=sha256 is not None)
    with tempfile.TemporaryDirectory() as first:
        card = _fetch_card(source, pathlib.Path(first), address, sha256)
        if card[CHECKSUM] == present:
            return folder
        with _alone(folder):
            if _checksum(folder) == card[CHECKSUM]:
                return folder  # another thread or process has downloaded it meanwhile
            print(f"Downloading {folder.name} from {address} to {folder.parent}", file=sys.stderr)
            with atomic(folder) as temporary:
                temporary.mkdir()
                shutil.copyfile(pathlib.Path(first) / CARD_FILE, temporary / CARD_FILE)
                try:
                    _fetch_files(source, card, temporary, address, size or MAX_FILE)
                finally:
                    source.finish()  # before an error is printed
                verify(temporary)
    return folder


@contextlib.contextmanager
def _alone(folder: pathlib.Path) -> Iterator[None]:
    """Lets one thread or process at a time write a folder of the cache; leaves no empty folder around it."""
    locks = cache_folder() / "locks"  # not in the folder of models, which holds nothing else
    locks.mkdir(parents=True, exist_ok=True)
    with locked(locks / hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield
        finally:
            if folder.parent != cached_models():  # that of one address
                with contextlib.suppress(OSError):  # not empty
                    folder.parent.rmdir()


def _fetch_files(source: Source, card: dict[str, Any], folder: pathlib.Path, address: str, limit: int) -> None:
    for file, digest in card["files"].items():
        source.fetch(file, folder, limit)
        with open(folder / file, "rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != digest:
                raise ValueError(
                    f"{address} is damaged or altered: {file} differs from the card. Nothing of it was kept."
                )


def _fetch_card(source: Source, first: pathlib.Path, address: str, sha256: str | None) -> dict[str, Any]:
    source.fetch(CARD_FILE, first, MAX_CARD)
    try:
        card = read_card(first)
    except ValueError as error:
        raise ValueError(f"{address} is no model of the zoo: {str(error).replace(f'{first}/', 'its ')}") from error
    if sha256 and card[CHECKSUM] != sha256:
        raise ValueError(
            f"{address} holds another model than this version of the zoo expects: the checksum of its card is "
            f"{card[CHECKSUM][:12]}…, not {sha256[:12]}…. Upgrade the zoo, or set ZOO_MODELS_URL."
        )
    for file in card["files"]:
        if not FILE_NAME.fullmatch(file) or file == CARD_FILE:
            raise ValueError(f"{address} is refused: its card names {file!r}, which is no file of a SavedModel.")
    return card
