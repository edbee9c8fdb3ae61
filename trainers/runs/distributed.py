"""The training of a run on several devices and hosts, up to its last checkpoint."""

import contextlib
import pathlib

import zoo
from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.run import train_members
from trainers.runs.workdir import RUN_FILE, differing_fields, opened
from zoo.backend.distribution import gather, is_writer, together


def train_distributed(context, recipe, seed, workdir, verbose, make_callbacks, deadline):
    """Trains a recipe's members on the devices of a context; `run.train` then finds them trained.

    Args:
        context: from `zoo.training.distribution.distribute`.
        recipe, seed, workdir, verbose, make_callbacks, deadline: as for `run.train`; every process has the same.

    Returns:
        Whether this process is the one that writes the run's files.

    Raises:
        TimeIsUp: the deadline passed; running again goes on from there.
        ConnectionError: another process failed or ended.
        OSError: another run works in the directory.
    """
    with context, contextlib.ExitStack() as stack:
        workdir = pathlib.Path(workdir)
        writer = is_writer()
        with together():
            if writer:
                stack.enter_context(opened(workdir, recipe, seed))
        with together():
            check_workdir(workdir, recipe, seed)
            dataset = zoo.datasets.load(recipe.dataset, seed=seed, num_validation=recipe.num_validation)
        if not writer:
            verbose, make_callbacks = 0, lambda directory, dataset: ()
        stopped = None
        try:
            train_members(recipe, dataset, seed, workdir, verbose, make_callbacks, deadline)
        except TimeIsUp as stop:
            stopped = stop
        gather(writer)  # none leaves before the last checkpoint is written
    if stopped:
        raise stopped
    return writer


def check_workdir(workdir, recipe, seed):
    """Checks that this process sees what process 0 wrote, and is started for the same run.

    Raises:
        ValueError: it is started for another run, or does not see it.
    """
    if not (workdir / RUN_FILE).exists():
        raise ValueError(f"--workdir must be a folder that all processes share, received {str(workdir)!r}.")
    if difference := differing_fields(workdir / RUN_FILE, recipe, seed):
        raise ValueError(f"All processes must be started for the same run: {difference}.")
