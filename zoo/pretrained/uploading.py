"""Uploads of SavedModels to the Hugging Face Hub."""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.optional import require
from zoo.pretrained.card import CARD_FILE, verify
from zoo.pretrained.downloading import check_upload_address
from zoo.pretrained.hub_source import EXTRA, TIMEOUT, hub_errors, open_hub, repository_of
from zoo.pretrained.readme import readme

README = "README.md"


def upload(
    path: str | os.PathLike,
    address: str,
    *,
    command: str = "",
    analysis: Mapping[str, Any] | None = None,
    weights_license: str | None = None,
    private: bool = False,
) -> str:
    """Uploads a SavedModel to the Hugging Face Hub, with a model card in Markdown.

    Creates the repository if it is missing, and deletes it again if the upload then fails. All files arrive in one
    commit. Log in first by `hf auth login`, or set `HF_TOKEN`. `HF_ENDPOINT` names another Hub.

    Args:
        path: folder of the SavedModel, as `export` or `find` returns it.
        address: `hf://user/name`, or `hf://user/name@branch`.
        command: shell commands that trained the model, for the model card; see `readme`.
        analysis: errors of the model under attack, for the model card; see `readme`.
        weights_license: license of the weights, by its name on the Hub, such as `"apache-2.0"`.
        private: whether a new repository is private.

    Returns:
        The address of the commit on the web.

    Raises:
        ConnectionError: the Hub cannot be reached, or refuses.
        FileNotFoundError: `path` is no SavedModel of the zoo.
        ImportError: huggingface_hub or Jinja2 is not installed.
        ValueError: the address has another form, the SavedModel is damaged, or the repository holds something else.

    Example:
        >>> import zoo
        >>> path = zoo.pretrained.find("synthetic_mlp-vat")
        >>> page = zoo.pretrained.upload(path, "hf://user/signals", weights_license="apache-2.0")  # doctest: +SKIP
        >>> model = zoo.load("hf://user/signals")  # doctest: +SKIP
    """
    check_upload_address(address)
    path, card = pathlib.Path(path), verify(path)
    hub: Any = require("huggingface_hub", "An upload", EXTRA)
    text = readme(card, address, command=command, analysis=analysis, weights_license=weights_license)
    contents = {README: text.encode(), **{file: path / file for file in (CARD_FILE, *card["files"])}}
    additions = [hub.CommitOperationAdd(file, content) for file, content in contents.items()]
    repository, revision = repository_of(address)
    api, message = open_hub(), f"Upload {card['name']}"
    try:
        with hub_errors(address), _repository(api, repository, private):
            _check_repository(api, address)
            return api.create_commit(repository, additions, revision=revision, commit_message=message).commit_url
    except ConnectionError as error:
        raise ConnectionError(f"{card['name']} cannot be uploaded to {address}: {error}.") from error
    except ValueError as error:  # such as those of the client, which have several lines
        raise ValueError(" ".join(str(error).split())) from error


@contextlib.contextmanager
def _repository(api: Any, repository: str, private: bool) -> Iterator[None]:
    """Creates a repository if it is missing, and deletes it again if the block fails."""
    created = not api.repo_exists(repository)
    if created:
        api.create_repo(repository, private=private)  # fails if somebody else creates it meanwhile
    try:
        yield
    except BaseException:  # includes Ctrl-C
        if created:
            with contextlib.suppress(Exception):  # the first error counts
                api.delete_repo(repository)
        raise


def _check_repository(api: Any, address: str) -> None:
    """Checks that a revision of a repository is new or holds a model of the zoo."""
    repository, revision = repository_of(address)
    siblings = api.model_info(repository, revision=revision, timeout=TIMEOUT).siblings or ()
    present = {sibling.rfilename for sibling in siblings if not sibling.rfilename.startswith(".")}
    if present and CARD_FILE not in present:
        raise ValueError(
            f"{address} holds no model of the zoo, but {', '.join(sorted(present)[:3])}. Choose another name, so that "
            "nothing there is replaced."
        )
