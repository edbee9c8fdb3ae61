"""The working directory of a run: who works in it, and on what."""

import contextlib
import json
import pathlib

from trainers.lock import LOCK_FILE, locked
from zoo.files import write_whole

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
    # A run that was killed as it began has left its lock, and a description under a temporary name.
    own = (LOCK_FILE, f".{RUN_FILE}.")
    if workdir.is_dir() and not path.exists() and any(not each.name.startswith(own) for each in workdir.iterdir()):
        raise ValueError(f"The workdir {str(workdir)!r} holds files of something else. Choose another one.")
    with locked(workdir):
        wanted = {"recipe": recipe.settings(), "seed": seed}
        if not path.exists():
            write_whole(path, json.dumps(wanted, indent=1))
        present = read_json(path)
        if present != wanted:
            raise ValueError(
                f"The workdir {str(workdir)!r} belongs to another run: {describe_difference(present, wanted)}. "
                "Choose another --workdir, or remove it."
            )
        yield workdir


def read_json(path):
    """Reads a JSON file of a run.

    Raises:
        ValueError: it is damaged.
    """
    try:
        return json.loads(pathlib.Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Remove it, or choose another folder.") from error


def describe_difference(present, wanted):
    """The fields in which two run descriptions differ, in words."""
    a, b = ({"seed": run.get("seed"), **run.get("recipe", {})} for run in (present, wanted))
    fields = sorted(field for field in a.keys() | b.keys() if a.get(field) != b.get(field))
    return "; ".join(f"{field} is {a.get(field)!r} there and {b.get(field)!r} here" for field in fields)
