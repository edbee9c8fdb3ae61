"""One training run: a recipe and a seed in a working directory, from data to figures."""

import importlib.metadata
import json
import os
import platform

import keras
import numpy as np

import zoo
from trainers.runs.callbacks.curves import CURVES, Curves
from trainers.runs.callbacks.deadline import Deadline
from trainers.runs.callbacks.save_on_termination import SaveOnTermination
from trainers.runs.termination import Termination
from trainers.runs.workdir import RESULT_FILE, opened, read_json
from zoo.backend import distribution
from zoo.files import write_atomic
from zoo.pretrained.exporting import error_percent
from zoo.recipes.build import (
    build_callbacks,
    build_model,
    combine,
    label_targets,
    member_seeds,
    training_batches,
)
from zoo.training.callbacks.checkpoint import Checkpoint
from zoo.training.callbacks.halt_on_nan import HaltOnNaN

VALIDATION_BATCH_SIZE = 500


def validation(recipe, dataset):
    """The arguments of `fit` for a recipe's validation split; none without one."""
    if not recipe.num_validation:
        return {}
    targets = label_targets(recipe, dataset.y_validation, dataset.num_classes)
    shared = distribution.share_validation(dataset.x_validation, targets, VALIDATION_BATCH_SIZE)
    return dict(zip(("validation_data", "validation_batch_size"), shared, strict=True))


def train_member(recipe, dataset, seed, directory, verbose=1, extra_callbacks=(), deadline=None, label_seed=None):
    """Trains one network of a recipe, from its newest checkpoint on.

    Args:
        recipe, verbose, deadline: as for `train`.
        dataset: `zoo.datasets.Dataset`.
        seed: the member's.
        directory: of its checkpoints.
        extra_callbacks: further callbacks.
        label_seed: of the label subset, for which None takes `seed`.

    Raises:
        TimeIsUp: at the end of the epoch in which the deadline passed.
        SystemExit: behind the step in which SIGTERM came.

    Returns:
        The trained model and its `Checkpoint`.
    """
    batches = distribution.share_batches(training_batches(recipe, dataset, seed, label_seed))
    model = build_model(recipe, dataset, len(batches), seed)
    callbacks = build_callbacks(recipe, dataset)
    stopping = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    checkpoint = Checkpoint(directory, *stopping)
    state = checkpoint.state
    distribution.check_same("number of completed steps", state["epochs"] * len(batches) + state["steps"])
    checkpoint.restore(model, batches[0])
    if state["finished"]:
        return model, checkpoint
    batches.epoch = state["epochs"]
    with Termination() as termination:
        model.fit(
            batches,
            epochs=state["epochs"] if state["stopped"] else recipe.epochs,
            initial_epoch=state["epochs"],
            **validation(recipe, dataset),
            callbacks=[
                checkpoint.timer,
                HaltOnNaN(),
                *callbacks,
                *extra_callbacks,
                Curves(dataset, state["history"]),
                checkpoint,
                SaveOnTermination(termination, checkpoint),
                Deadline(deadline),
            ],
            verbose=verbose,
        )
    return model, checkpoint


def train_members(recipe, dataset, seed, workdir, verbose, make_callbacks, deadline):
    """Trains all members of a recipe, as `train`; returns the models and the states of their checkpoints."""
    models, states = [], []
    for member, member_seed in enumerate(member_seeds(recipe, seed)):
        directory = workdir / f"member-{member}"
        callbacks = make_callbacks(directory, dataset)
        model, checkpoint = train_member(recipe, dataset, member_seed, directory, verbose, callbacks, deadline, seed)
        models.append(model)
        states.append(checkpoint.state)
    return models, states


def train(recipe, seed, workdir, verbose=1, make_callbacks=lambda directory, dataset: (), deadline=None):
    """Trains all members of a recipe and measures the result, or takes up where an earlier run stopped.

    Args:
        recipe: `Recipe`.
        seed: of data split, weights, batches and penalties, at least 0.
        workdir: working directory; running again with the same one resumes.
        verbose: Keras's verbosity.
        make_callbacks: directory of a member and data set -> further callbacks.
        deadline: of `time.monotonic`, after which training stops at the end of its epoch; None never stops.

    Returns:
        The model, the data set and the run's figures as a dictionary.

    Raises:
        TimeIsUp: the deadline passed; running again goes on from there.
        SystemExit: SIGTERM came; likewise.
        OSError: another process works in the directory.
    """
    with opened(workdir, recipe, seed) as workdir:
        dataset = zoo.datasets.load(recipe.dataset, seed=seed, num_validation=recipe.num_validation)
        models, states = train_members(recipe, dataset, seed, workdir, verbose, make_callbacks, deadline)
        model = combine(recipe, models)
        path = workdir / RESULT_FILE
        if not path.exists():
            write_atomic(path, json.dumps(measure(recipe, seed, model, dataset, states), indent=1))
        return model, dataset, read_json(path)


def measure(recipe, seed, model, dataset, states):
    """The figures of a finished run."""
    splits = {"test": (dataset.x_test, dataset.y_test), "train": (dataset.x_train, dataset.y_train)}
    if dataset.x_validation is not None:
        splits["validation"] = (dataset.x_validation, dataset.y_validation)
    epochs = sum(state["epochs"] for state in states)
    seconds = sum(state["seconds"] for state in states)
    predict = model.predict_on_batch
    history = states[-1]["history"]
    curves = {name for name in history if name.startswith(CURVES)}
    best = int(np.argmin(history["val_loss"])) if recipe.early_stopping_patience else -1  # whose weights came back
    return {
        "recipe": recipe.name,
        "seed": seed,
        "configuration": recipe.digest(),
        "errors": {split: error_percent(predict, x, y) for split, (x, y) in splits.items()},
        "losses": {name: values[best] for name, values in history.items() if name not in curves},
        "curves": {name: [float(f"{value:.4g}") for value in history[name]] for name in sorted(curves)},
        "num_parameters": int(sum(np.prod(v.shape) for v in model.network.trainable_variables)),
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "seconds_per_epoch": round(seconds / epochs, 4),
        "backend": keras.backend.backend(),
        "device": device(),
        "versions": versions(),
    }


def accelerators():
    """The names of the devices other than the CPU."""
    if keras.backend.backend() == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]


def device():
    """The devices that train, in words."""
    words = ", ".join(accelerators()) or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    processes = distribution.processes_joined()
    return words if processes == 1 else f"{words}, {processes} processes"


def versions():
    """The versions of what computed the figures."""
    names = ("keras", keras.backend.backend(), "numpy")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}
