"""The working directory of a run: who works in it, and on what."""

import contextlib
import json
import pathlib

import keras

from trainers.runs.lock import LOCK_FILE, locked
from zoo.files import write_atomic

RUN_FILE = "run.json"
RESULT_FILE = "result.json"


@contextlib.contextmanager
def opened(workdir, recipe, seed):
    """The working directory of a run, made where it lacks, for this process alone; it says what runs in it.

    Yields:
        Its `pathlib.Path`.

    Raises:
        ValueError: it belongs to another run, or its description is damaged.
        OSError: it cannot be written, or another process works in it.
    """
    workdir = pathlib.Path(workdir)
    path = workdir / RUN_FILE
    if is_begun(workdir) and not path.exists():
        raise ValueError(f"The workdir {str(workdir)!r} holds files of something else. Choose another one.")
    with locked(workdir):
        if not is_begun(workdir):
            write_atomic(path, json.dumps(description(recipe, seed), indent=1))
        if difference := differing_fields(path, recipe, seed):
            raise ValueError(
                f"The workdir {str(workdir)!r} belongs to another run: {difference}. "
                "Choose another --workdir, or remove it."
            )
        yield workdir


def is_begun(workdir):
    """Whether a folder holds more than what is left of a run that was killed as it began, or refused: its lock, and its
    description, perhaps under a temporary name."""
    own = (LOCK_FILE, RUN_FILE, f".{RUN_FILE}.")
    return workdir.is_dir() and any(not each.name.startswith(own) for each in workdir.iterdir())


def read_json(path):
    """Reads a JSON file of a run.

    Raises:
        ValueError: it is damaged.
    """
    try:
        return json.loads(pathlib.Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Remove it, or choose another folder.") from error


def description(recipe, seed):
    """What a working directory says of its run."""
    return {"recipe": recipe.settings(), "seed": seed, "backend": keras.backend.backend()}


def differing_fields(path, recipe, seed):
    """The fields in which a description on disk is not that of a run, in words; empty where it is.

    The backend counts until the run has its figures: its random numbers are the backend's.

    Raises:
        ValueError: the file is damaged.
    """
    there, here = read_json(path), description(recipe, seed)
    if "backend" not in there or (path.parent / RESULT_FILE).exists():
        there["backend"] = here["backend"]
    return differences(*({**run.pop("recipe", {}), **run} for run in (there, here)))


def differences(present, wanted):
    """The fields in which two mappings differ, in words; empty where they agree."""
    fields = sorted(field for field in present.keys() | wanted.keys() if present.get(field) != wanted.get(field))
    return "; ".join(f"{field} is {present.get(field)!r} there and {wanted.get(field)!r} here" for field in fields)
