"""One training run: a recipe and a seed in a working directory, from data to figures."""

import importlib.metadata
import json
import os
import pathlib
import platform

import keras
import numpy as np

import zoo
from trainers.progress import CURVES, Curves, Deadline
from zoo.files import write_whole
from zoo.pretrained import error_percent
from zoo.recipes.build import (
    build_callbacks,
    build_model,
    combine,
    label_targets,
    member_seeds,
    training_batches,
)
from zoo.training.checkpoint import Checkpoint, HaltOnNaN

RUN_FILE = "run.json"
RESULT_FILE = "result.json"


def prepare_workdir(workdir, recipe, seed):
    """Makes the working directory and writes down what runs in it.

    Raises:
        ValueError: it belongs to another run, or its description is damaged.
        OSError: it cannot be written.
    """
    workdir = pathlib.Path(workdir)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        probe = workdir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(f"The workdir {str(workdir)!r} cannot be written ({error}). Choose another --workdir.") from error
    wanted = {"recipe": recipe.settings(), "seed": seed}
    path = workdir / RUN_FILE
    if path.exists():
        present = read_json(path)
        if present != wanted:
            raise ValueError(
                f"The workdir {str(workdir)!r} belongs to another run: {describe_difference(present, wanted)}. "
                "Choose another --workdir, or remove it."
            )
    elif any(workdir.iterdir()):
        raise ValueError(f"The workdir {str(workdir)!r} holds files of something else. Choose another --workdir.")
    else:
        write_whole(path, json.dumps(wanted, indent=1))
    return workdir


def read_json(path):
    """Reads a JSON file of a run.

    Raises:
        ValueError: it is damaged.
    """
    try:
        return json.loads(pathlib.Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Remove the folder, or choose another --workdir.") from error


def describe_difference(present, wanted):
    """The fields in which two run descriptions differ, in words."""
    a, b = ({"seed": run.get("seed"), **run.get("recipe", {})} for run in (present, wanted))
    fields = sorted(field for field in a.keys() | b.keys() if a.get(field) != b.get(field))
    return "; ".join(f"{field} is {a.get(field)!r} there and {b.get(field)!r} here" for field in fields)


def train_member(recipe, dataset, seed, directory, verbose=1, extra_callbacks=(), deadline=None):
    """Trains one network of a recipe, from its newest checkpoint on.

    Raises:
        TimeIsUp: at the end of the epoch in which the deadline passed.

    Returns:
        The trained model and its `Checkpoint`.
    """
    batches = training_batches(recipe, dataset, seed)
    model = build_model(recipe, dataset, len(batches), seed)
    checkpoint = Checkpoint(directory)
    checkpoint.restore(model)
    if checkpoint.state["finished"]:
        return model, checkpoint
    validation = None
    if recipe.num_validation:
        targets = label_targets(recipe, dataset.y_validation, dataset.num_classes)
        validation = (dataset.x_validation, targets)
    batches.epoch = checkpoint.state["epochs"]
    model.fit(
        batches,
        epochs=recipe.epochs,
        initial_epoch=checkpoint.state["epochs"],
        validation_data=validation,
        validation_batch_size=500,
        callbacks=[
            HaltOnNaN(),
            *build_callbacks(recipe, dataset),
            *extra_callbacks,
            Curves(dataset, checkpoint.state["history"]),
            checkpoint,
            Deadline(deadline),
        ],
        verbose=verbose,
    )
    return model, checkpoint


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
    """
    workdir = prepare_workdir(workdir, recipe, seed)
    dataset = zoo.datasets.load(recipe.dataset, seed=seed, num_validation=recipe.num_validation)
    models, states = [], []
    for member, member_seed in enumerate(member_seeds(recipe, seed)):
        directory = workdir / f"member-{member}"
        callbacks = make_callbacks(directory, dataset)
        model, checkpoint = train_member(recipe, dataset, member_seed, directory, verbose, callbacks, deadline)
        models.append(model)
        states.append(checkpoint.state)
    model = combine(recipe, models)
    path = workdir / RESULT_FILE
    if not path.exists():
        write_whole(path, json.dumps(measure(recipe, seed, model, dataset, states), indent=1))
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
    return {
        "recipe": recipe.name,
        "seed": seed,
        "configuration": recipe.digest(),
        "errors": {split: error_percent(predict, x, y) for split, (x, y) in splits.items()},
        "losses": {name: values[-1] for name, values in history.items() if name not in curves},
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
    """The device that trains, in words."""
    return ", ".join(accelerators()) or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"


def versions():
    """The versions of what computed the figures."""
    names = ("keras", keras.backend.backend(), "numpy")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}
