"""Models on the Hugging Face Hub: `hf://user/name`, with `@` and a revision or without."""

import contextlib
import logging
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from zoo.files import remove
from zoo.optional import require
from zoo.pretrained.card import CARD_FILE

EXTRA = "hub"
SCHEME = "hf://"
TIMEOUT = 10.0  # seconds without an answer


def repository_of(address: str) -> tuple[str, str | None]:
    """Splits the address of a model on the Hub.

    Args:
        address: `hf://user/name` or `hf://user/name@revision`.

    Returns:
        The repository and the revision: a branch, a tag or a commit; None for the main branch.

    Example:
        >>> from zoo.pretrained.hub_source import repository_of
        >>> repository_of("hf://user/digits@v1.0")
        ('user/digits', 'v1.0')
    """
    repository, _, revision = address.removeprefix(SCHEME).partition("@")
    return repository, revision or None


def open_hub() -> Any:
    """Returns the client of the Hub that `HF_ENDPOINT` names.

    Raises:
        ImportError: huggingface_hub is not installed.

    Example:
        >>> from zoo.pretrained.hub_source import open_hub
        >>> hub = open_hub()  # doctest: +SKIP
    """
    hub: Any = require("huggingface_hub", "An address that begins with hf://", EXTRA)
    return hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="regularized-zoo")


@contextlib.contextmanager
def hub_errors(address: str) -> Iterator[None]:
    """Replaces the errors of huggingface_hub by errors of one line.

    Args:
        address: the address in the messages.

    Raises:
        ConnectionError: the Hub cannot be reached, or refuses.
        ValueError: there is no such repository or revision.

    Example:
        >>> from zoo.pretrained.hub_source import hub_errors
        >>> with hub_errors("hf://user/digits"):  # doctest: +SKIP
        ...     open_hub().model_info("user/digits")
    """
    errors: Any = require("huggingface_hub.errors", "An address that begins with hf://", EXTRA)
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it would tell every attempt
    try:
        yield
    except errors.GatedRepoError as error:
        raise ValueError(f"{address} is gated: ask its owner for access, then log in by `hf auth login`.") from error
    except errors.RepositoryNotFoundError as error:
        raise ValueError(
            f"{address} does not exist, or is private: check the address, or log in by `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ValueError(f"{address} has no such revision: name a branch, a tag or a commit after the @.") from error
    except errors.HfHubHTTPError.__bases__ as error:  # those of its HTTP client, too
        if not isinstance(error, errors.HfHubHTTPError) and getattr(error, "errno", None):
            raise  # of the disk
        if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
            raise ValueError(f"{address} refuses you: log in by `hf auth login`, or set HF_TOKEN.") from error
        reason = getattr(error, "server_message", None) or str(error) or type(error).__name__
        raise ConnectionError(" ".join(reason.split()).rstrip(".")) from error
    finally:
        logger.setLevel(level)


class HubSource:
    """A repository on the Hub, at the commit that its revision names now.

    Args:
        address: `hf://user/name` or `hf://user/name@revision`.

    Raises:
        ConnectionError: the Hub cannot be reached.
        ImportError: huggingface_hub is not installed.
        ValueError: there is no such repository or revision, or it holds no model of the zoo.

    Example:
        >>> from zoo.pretrained.hub_source import HubSource
        >>> source = HubSource("hf://user/digits@v1.0")  # doctest: +SKIP
    """

    def __init__(self, address: str):
        self.address, self.hub = address, open_hub()
        self.repository, revision = repository_of(address)
        with hub_errors(address):
            info = self.hub.model_info(self.repository, revision=revision, timeout=TIMEOUT, files_metadata=True)
        self.commit = info.sha or revision
        self.sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}

    def fetch(self, file: str, folder: pathlib.Path, limit: int | None = None) -> None:
        """Downloads a file.

        Args:
            file: its path in the repository.
            folder: it gets the same path below this folder.
            limit: the most bytes that the file may have. The Hub states them, and its client checks that no more come.

        Raises:
            ConnectionError: the Hub cannot be reached.
            ValueError: the repository has no such file, or the file is longer than `limit`.
        """
        if file not in self.sizes:
            lacks = f"is no model of the zoo: it has no {CARD_FILE}" if file == CARD_FILE else f"lacks its {file}"
            raise ValueError(f"{self.address} {lacks}.")
        if limit is not None and self.sizes[file] > limit:
            raise ValueError(
                f"{self.address} is refused: its {file} has {self.sizes[file]:,} bytes, more than the {limit:,} that "
                "are expected."
            )
        with hub_errors(self.address):
            self.hub.hf_hub_download(self.repository, file, revision=self.commit, local_dir=folder)
        remove(folder / ".cache")  # the client's notes

    def finish(self) -> None:
        """Does nothing: the client has a progress bar for each file."""
