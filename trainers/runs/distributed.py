"""Training of a run on several devices and hosts, up to its last checkpoint."""

import contextlib
import pathlib

from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.data import load_data
from trainers.runs.run import CallbackMaker, no_callbacks, train_members
from trainers.runs.workdir import RUN_FILE, differing_fields, opened
from zoo.backend.processes import all_or_none, gather, is_writer
from zoo.recipes import Recipe


def train_distributed(
    context: contextlib.AbstractContextManager,
    recipe: Recipe,
    seed: int,
    workdir: str | pathlib.Path,
    verbose: int,
    make_callbacks: CallbackMaker,
    deadline: float | None,
) -> bool:
    """Trains the members of a recipe on the devices of a context; `run.train` then finds them trained.

    All processes of the run must pass the same arguments.

    Args:
        context: from `zoo.backend.distribution.distribute`.
        recipe: to train.
        seed: of the run.
        workdir: working directory, which all processes share.
        verbose: verbosity of Keras.
        make_callbacks: as for `run.train`.
        deadline: as for `run.train`.

    Returns:
        Whether this process writes the files of the run.

    Raises:
        TimeIsUp: the deadline passed; run again to resume.
        ConnectionError: another process failed or ended.
        OSError: another run works in the directory.
    """
    with context, contextlib.ExitStack() as stack:
        workdir = pathlib.Path(workdir)
        writer = is_writer()
        with all_or_none():
            if writer:
                stack.enter_context(opened(workdir, recipe, seed))
        with all_or_none():
            check_workdir(workdir, recipe, seed)
            dataset = load_data(recipe, seed)
        if not writer:
            verbose, make_callbacks = 0, no_callbacks
        stopped = None
        try:
            train_members(recipe, dataset, seed, workdir, verbose, make_callbacks, deadline)
        except TimeIsUp as stop:
            stopped = stop
        gather(writer)  # no process leaves before the last checkpoint is on the disk
    if stopped:
        raise stopped
    return writer


def check_workdir(workdir: pathlib.Path, recipe: Recipe, seed: int) -> None:
    """Checks that this process sees the files of process 0, and was started for the same run.

    Raises:
        ValueError: this process was started for another run, or does not see the files.
    """
    if not (workdir / RUN_FILE).exists():
        raise ValueError(f"--workdir must be a folder that all processes share, received {str(workdir)!r}.")
    if difference := differing_fields(workdir / RUN_FILE, recipe, seed):
        raise ValueError(f"Start all processes for the same run. This one differs: {difference}.")
