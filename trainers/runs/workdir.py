"""The working directory of a run: which run it belongs to, and which process works in it."""

import contextlib
import json
import pathlib
from collections.abc import Iterator
from typing import Any

from trainers.results.files import differences, read_json
from trainers.results.lock import LOCK_FILE, locked
from zoo.files import write_atomic
from zoo.recipes import Recipe

RUN_FILE = "run.json"
RESULT_FILE = "result.json"


@contextlib.contextmanager
def opened(workdir: str | pathlib.Path, recipe: Recipe, seed: int) -> Iterator[pathlib.Path]:
    """Opens the working directory of a run for this process alone; creates and labels it if it is missing.

    Args:
        workdir: the directory.
        recipe: of the run.
        seed: of the run.

    Yields:
        The path of the directory.

    Raises:
        ValueError: the directory belongs to another run, or its description is damaged.
        OSError: the directory cannot be written, or another process works in it.
    """
    workdir = pathlib.Path(workdir)
    path = workdir / RUN_FILE
    if is_begun(workdir) and not path.exists():
        raise ValueError(f"The workdir {str(workdir)!r} holds other files than {RUN_FILE}. Choose another one.")
    with locked(workdir):
        if not is_begun(workdir):
            write_atomic(path, json.dumps(description(recipe, seed), indent=1))
        if difference := differing_fields(path, recipe, seed):
            raise ValueError(
                f"The workdir {str(workdir)!r} belongs to another run: {difference}. "
                "Choose another --workdir, or remove this one."
            )
        add_device(path)
        yield workdir


def add_device(path: pathlib.Path) -> None:
    """Adds the device of this process to those in a run's description, unless the run has its figures.

    Args:
        path: of the description.
    """
    from trainers.runs.devices import device

    there, name = read_json(path), device()
    names = there.get("devices", [])
    if names[-1:] != [name] and not (path.parent / RESULT_FILE).exists():
        write_atomic(path, json.dumps({**there, "devices": [*names, name]}, indent=1))


def devices(workdir: pathlib.Path) -> str:
    """Names the devices that worked on a run, in their order, such as `"NVIDIA H100, then CPU (x86_64, 8 cores)"`."""
    return ", then ".join(read_json(workdir / RUN_FILE)["devices"])


def is_begun(workdir: pathlib.Path) -> bool:
    """Whether a folder holds more than a run leaves that was refused, or killed when it began.

    Such a run leaves its lock and its description, perhaps under a temporary name.
    """
    own = (LOCK_FILE, RUN_FILE, f".{RUN_FILE}.")
    return workdir.is_dir() and any(not each.name.startswith(own) for each in workdir.iterdir())


def description(recipe: Recipe, seed: int) -> dict[str, Any]:
    """What a working directory records about its run."""
    import keras  # here, so that what reads results needs no backend

    return {"recipe": recipe.settings(), "seed": seed, "backend": keras.backend.backend()}


def differing_fields(path: pathlib.Path, recipe: Recipe, seed: int) -> str:
    """Lists the fields in which a description on disk differs from a run; empty if none does.

    The backend must agree until the run has its figures: every backend draws its own random numbers. A run may go on
    with other devices.

    Args:
        path: of the description.
        recipe: of the run.
        seed: of the run.

    Raises:
        ValueError: the file is damaged.
    """
    there, here = read_json(path), description(recipe, seed)
    there.pop("devices", None)
    if "backend" not in there or (path.parent / RESULT_FILE).exists():
        there["backend"] = here["backend"]
    return differences(*({**run.pop("recipe", {}), **run} for run in (there, here)))
