"""Finding published models: on this machine, in the index of the zoo, or at an address."""

import os
import pathlib

from zoo.pretrained.card import CARD_FILE, card_names
from zoo.pretrained.downloading import cached_models, folder_of, is_address, obtain
from zoo.pretrained.index import read_index
from zoo.validation import check_choice


def default_directory() -> pathlib.Path:
    """Returns the folder of the published models.

    It is `ZOO_SAVED_MODELS` if set. Otherwise it is the folder `saved_models` next to the package `zoo` if that exists,
    or else the one in the current directory.

    Example:
        >>> import zoo
        >>> zoo.pretrained.default_directory().name
        'saved_models'
    """
    chosen = os.environ.get("ZOO_SAVED_MODELS")
    return pathlib.Path(chosen) if chosen else _repository_directory()


def _repository_directory():
    checkout = pathlib.Path(__file__).resolve().parents[2] / "saved_models"
    return checkout if checkout.is_dir() else pathlib.Path("saved_models")


def local_directories() -> list[pathlib.Path]:
    """Returns the folders in which models are looked for by name, in this order.

    They are `ZOO_SAVED_MODELS` if set, the folder `saved_models` next to the package `zoo` or in the current directory,
    and the cache of downloaded models.

    Example:
        >>> from zoo.pretrained.finding import local_directories
        >>> [folder.name for folder in local_directories()][-2:]
        ['saved_models', 'models']
    """
    return [*dict.fromkeys((default_directory(), _repository_directory(), cached_models()))]


def list_models(directory: str | os.PathLike | None = None, *, remote: bool = False) -> list[str]:
    """Lists the names of the published models, sorted.

    Args:
        directory: folder of SavedModels. By default, all models on this machine: those of `ZOO_SAVED_MODELS`, of the
            repository and of the cache.
        remote: whether to list the models that `load` downloads, too.

    Returns:
        The names.

    Raises:
        ValueError: `ZOO_MODELS_URL` is no address.

    Example:
        >>> import zoo
        >>> [name for name in zoo.list_models(remote=True) if name == "synthetic_mlp-vat"]
        ['synthetic_mlp-vat']
    """
    folders = local_directories() if directory is None else [directory]
    return sorted({*(name for folder in folders for name in card_names(folder)), *(read_index()[1] if remote else ())})


def find(name: str | os.PathLike, directory: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns the folder of a model. Downloads the model first if it is nowhere on this machine.

    The index that ships with the package names the models that can be downloaded, with the checksums of their cards.
    Their base address is `ZOO_MODELS_URL` if set: a copy of the folder on a mirror or on a server of your own, or
    `hf://organization`. Downloads go into `ZOO_CACHE_DIR`, by default `~/.cache/regularized-zoo`, below `models`.

    Args:
        name: a name from `list_models(remote=True)`, the path of a SavedModel, or an address: `hf://user/name` on the
            Hugging Face Hub, where `hf://user/name@revision` pins a branch, a tag or a commit, or
            `https://host/path/name`.
        directory: folder of SavedModels; nothing is downloaded. By default, `ZOO_SAVED_MODELS`, the repository's
            folder, the cache and the index, in this order.

    Raises:
        ImportError: the address begins with `hf://`, and huggingface_hub is not installed.
        OSError: the model cannot be downloaded, or the disk is full.
        ValueError: there is no such model. The message gives the nearest name. Or the download is damaged, or no model
            of the zoo.

    Example:
        >>> import zoo
        >>> zoo.pretrained.find("synthetic_mlp-vat").name
        'synthetic_mlp-vat'
        >>> path = zoo.pretrained.find("hf://user/digits@v1.0")  # doctest: +SKIP
    """
    if is_address(name):
        return obtain(str(name), folder_of(str(name)))
    if (pathlib.Path(name) / CARD_FILE).is_file():
        return pathlib.Path(name)
    if directory is not None:
        return _find_in(pathlib.Path(directory), str(name))
    base, entries = read_index()
    for folder in local_directories():
        outdated = folder == cached_models() and str(name) in entries  # maybe; `obtain` compares it with the index
        if str(name) in card_names(folder) and not outdated:
            return folder / name
    entry = entries[check_choice("model", str(name), list_models(remote=True), "zoo.list_models(remote=True)")]
    return obtain(f"{base}/{entry.address}", cached_models() / name, sha256=entry.sha256, size=entry.size)


def _find_in(directory: pathlib.Path, name: str) -> pathlib.Path:
    names = card_names(directory)
    if not names:
        raise ValueError(
            f"Unknown model {name!r}: it is not the path of a SavedModel, and {directory} holds no models."
        )
    return directory / check_choice(f"model in {directory}", name, names)
