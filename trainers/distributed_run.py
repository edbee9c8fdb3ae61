"""The training of a run on several devices and hosts, up to its last checkpoint."""

import pathlib

import zoo
from trainers.run import check_workdir, prepare_workdir, train_members
from zoo.training.distribution import is_writer, together


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
    """
    with context:
        workdir = pathlib.Path(workdir)
        writer = is_writer()
        with together():
            if writer:
                prepare_workdir(workdir, recipe, seed)
        with together():
            check_workdir(workdir, recipe, seed)  # which all processes see, then
            dataset = zoo.datasets.load(recipe.dataset, seed=seed, num_validation=recipe.num_validation)
        if not writer:
            verbose, make_callbacks = 0, lambda directory: ()
        train_members(recipe, dataset, seed, workdir, verbose, make_callbacks, deadline)
    return writer
