"""One training run: a recipe and a seed in a working directory, from data to figures."""

import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

from trainers.results.files import read_json
from trainers.runs.callbacks.curves import Curves
from trainers.runs.callbacks.deadline import Deadline
from trainers.runs.callbacks.order import in_order
from trainers.runs.callbacks.save_on_termination import SaveOnTermination
from trainers.runs.data import load_data
from trainers.runs.measuring import measure
from trainers.runs.termination import Termination
from trainers.runs.workdir import RESULT_FILE, devices, opened
from zoo.backend import distribution, processes
from zoo.datasets import Dataset
from zoo.files import write_atomic
from zoo.recipes import Recipe
from zoo.recipes.build import (
    build_callbacks,
    build_model,
    combine,
    label_targets,
    member_seeds,
    training_batches,
)
from zoo.training.callbacks.checkpoint import Checkpoint

VALIDATION_BATCH_SIZE = 500
CallbackMaker = Callable[[pathlib.Path, Dataset], Sequence[keras.callbacks.Callback]]


def no_callbacks(directory: pathlib.Path, dataset: Dataset) -> Sequence[keras.callbacks.Callback]:
    """Adds no callbacks to those of the run."""
    return ()


def validation(recipe: Recipe, dataset: Dataset) -> dict[str, Any]:
    """The arguments of `fit` for the validation split of a recipe; empty without one."""
    if not recipe.num_validation:
        return {}
    targets = label_targets(recipe, dataset.y_validation, dataset.num_classes)
    shared = distribution.share_validation(dataset.x_validation, targets, VALIDATION_BATCH_SIZE)
    return dict(zip(("validation_data", "validation_batch_size"), shared, strict=True))


def restored_checkpoint(directory: pathlib.Path, model: keras.Model, batches: Any, callbacks: list) -> Checkpoint:
    """The checkpoints of a directory, after the newest one is loaded into the model.

    Raises:
        ValueError: the processes of the run do not see the same checkpoint.
    """
    stopping = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    checkpoint = Checkpoint(directory, *stopping)
    done = checkpoint.state["epochs"] * len(batches) + checkpoint.state["steps"]
    processes.check_same("number of completed steps", done)
    checkpoint.restore(model, batches[0])
    return checkpoint


def train_member(
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    directory: pathlib.Path,
    verbose: int = 1,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
    deadline: float | None = None,
    label_seed: int | None = None,
) -> tuple[keras.Model, Checkpoint]:
    """Trains one network of a recipe, starting from its newest checkpoint.

    Args:
        recipe: to train.
        dataset: to train on.
        seed: of this member.
        directory: of its checkpoints.
        verbose: verbosity of Keras.
        extra_callbacks: further callbacks, which observe the training.
        deadline: time on the clock of `time.monotonic`, see `train`.
        label_seed: draws the labeled subset; None uses `seed`.

    Returns:
        The trained model and its `Checkpoint`.

    Raises:
        TimeIsUp: the deadline passed; raised at the end of the epoch.
        SystemExit: SIGTERM arrived; raised after the step.
    """
    batches = distribution.share_batches(training_batches(recipe, dataset, seed, label_seed))
    model = build_model(recipe, dataset, len(batches), seed)
    callbacks = build_callbacks(recipe, dataset, batches)
    checkpoint = restored_checkpoint(directory, model, batches, callbacks)
    state = checkpoint.state
    if state["finished"]:
        return model, checkpoint
    batches.epoch = state["epochs"]
    with Termination() as termination:
        model.fit(
            batches,
            epochs=state["epochs"] if state["stopped"] else recipe.epochs,
            initial_epoch=state["epochs"],
            **validation(recipe, dataset),
            callbacks=in_order(
                method=callbacks,
                observers=extra_callbacks,
                curves=Curves(dataset, state["history"]),
                checkpoint=checkpoint,
                termination=SaveOnTermination(termination, checkpoint),
                deadline=Deadline(deadline),
            ),
            verbose=verbose,
        )
    return model, checkpoint


def train_members(
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    workdir: pathlib.Path,
    verbose: int,
    make_callbacks: CallbackMaker,
    deadline: float | None,
) -> tuple[list[keras.Model], list[dict[str, Any]]]:
    """Trains all members of a recipe; the arguments are those of `train`.

    Returns:
        The models and the states of their last checkpoints.
    """
    models, states = [], []
    for member, member_seed in enumerate(member_seeds(recipe, seed)):
        directory = workdir / f"member-{member}"
        callbacks = make_callbacks(directory, dataset)
        model, checkpoint = train_member(recipe, dataset, member_seed, directory, verbose, callbacks, deadline, seed)
        models.append(model)
        states.append(checkpoint.state)
    return models, states


def train(
    recipe: Recipe,
    seed: int,
    workdir: str | pathlib.Path,
    verbose: int = 1,
    make_callbacks: CallbackMaker = no_callbacks,
    deadline: float | None = None,
) -> tuple[keras.Model, Dataset, dict[str, Any]]:
    """Trains all members of a recipe and measures the result; resumes a stopped run.

    Args:
        recipe: to train.
        seed: of data split, weights, batches and penalties, at least 0.
        workdir: working directory; the same one resumes the run.
        verbose: verbosity of Keras, 0 to 2.
        make_callbacks: makes further callbacks from the directory of a member and the data set.
        deadline: time on the clock of `time.monotonic`; training stops at the end of the epoch in which it passes. None
            never stops.

    Returns:
        The model, the data set and the figures of the run.

    Raises:
        TimeIsUp: the deadline passed; run again to resume.
        SystemExit: SIGTERM arrived; run again to resume.
        OSError: another process works in the directory.
    """
    with opened(workdir, recipe, seed) as workdir:
        dataset = load_data(recipe, seed)
        models, states = train_members(recipe, dataset, seed, workdir, verbose, make_callbacks, deadline)
        model = combine(recipe, models)
        path = workdir / RESULT_FILE
        if not path.exists():
            figures = measure(recipe, seed, model, dataset, states, devices(workdir), verbose)
            write_atomic(path, json.dumps(figures, indent=1))
        return model, dataset, read_json(path)
