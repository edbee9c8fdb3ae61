"""Trains a recipe, prints its test error beside the published one, and writes a SavedModel with its card.

Without flags it trains a small network on synthetic signals, in seconds and without any download:

    python -m trainers.train

Other runs:

    python -m trainers.train --list
    python -m trainers.train --recipe=mnist_mlp-vat --seed=1
    python -m trainers.train --recipe=mnist_mlp-vat --override=regularizers.vat.epsilon=1.5 --override=epochs=20

The same command resumes a run that was stopped: killed, from its last complete epoch; by SIGTERM, from the step in
which that came (exit status 143). It ends with the same weights as an undisturbed one. With KERAS_BACKEND=jax it trains
on JAX, and a TensorFlow process writes the SavedModel at the end if TensorFlow is installed.
"""

import importlib.util
import os
import pathlib
import sys
import time

import keras
from absl import app, flags, logging

from trainers.cli import distribution_flags
from trainers.cli.program import is_finite, main_of
from trainers.cli.recipe_flags import parse_overrides
from trainers.results.store import publishing, store
from trainers.results.tables import as_published
from trainers.runs import run
from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.callbacks.picture_log import PictureLog
from trainers.runs.callbacks.scalar_log import ScalarLog
from trainers.runs.distributed import train_distributed
from zoo import recipes
from zoo.backend.devices import enable_determinism
from zoo.pretrained.card import CARD_FILE
from zoo.validation import check_number

STARTED = time.monotonic()

RECIPE = flags.DEFINE_string("recipe", "synthetic_mlp-vmt_shift", "Name of the recipe; --list shows all.")
LIST = flags.DEFINE_bool("list", False, "Print the names of all recipes with their published errors, and stop.")
SEED = flags.DEFINE_integer("seed", 0, "Seed of weights, batches, penalties and data splits.", lower_bound=0)
EPOCHS = flags.DEFINE_integer("epochs", None, "Number of epochs in place of the recipe's.", lower_bound=1)
OVERRIDE = flags.DEFINE_multi_string(
    "override",
    [],
    "A recipe field and its value, such as learning_rate=0.01 or regularizers.vat.epsilon=1.5; the value is JSON, or "
    "else text; or a JSON file of fields and values, such as the best.json of trainers.tune. May be repeated.",
)
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of checkpoints and logs; default runs/RECIPE/seed-SEED.")
EXPORT = flags.DEFINE_bool("export", True, "Whether to write a SavedModel at the end.")
SAVED_MODELS = flags.DEFINE_string(
    "saved_models", None, "Folder to write the SavedModel into, and its index; default: the workdir."
)
RESULTS = flags.DEFINE_string("results", None, "Folder to whose RECIPE.json the run's figures are added.")
MAX_SECONDS = flags.DEFINE_float(
    "max_seconds", None, "Stop at the end of the epoch in which this time is over; the same command goes on.", 0.0
)
flags.register_validator("max_seconds", is_finite, "The time must be finite.")
PICTURE_INTERVAL = flags.DEFINE_integer(
    "picture_interval",
    0,
    "Epochs from one drawing of perturbed and moved inputs for TensorBoard to the next; 0: none.",
    0,
)
TENSORBOARD = flags.DEFINE_bool("tensorboard", True, "Whether to log every epoch to WORKDIR for TensorBoard.")
DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Whether the same seed gives the same bits on a GPU too, which is slower."
)
VERBOSE = flags.DEFINE_integer("verbose", 1, "Keras's: 0 silent, 1 progress bar, 2 a line per epoch.", 0, 2)
flags.adopt_module_key_flags(distribution_flags)  # --help shows them as well


def chosen_recipe():
    """The recipe that the flags ask for."""
    assignments = parse_overrides(OVERRIDE.value)
    if EPOCHS.value is not None:
        assignments["epochs"] = EPOCHS.value
    return recipes.get(RECIPE.value).override(assignments)


def list_recipes():
    for name, recipe in recipes.RECIPES.items():
        figure = "" if recipe.published_error is None else f"published {as_published(recipe.published_error)} %"
        print(f"{name:<40} {figure}")


def check_places(recipe):
    """Refuses, before anything is trained, to put a changed recipe's figures where others stand, and folders that could
    not take them."""
    if RESULTS.value:
        store.check_place(pathlib.Path(RESULTS.value) / f"{recipe.name}.json", recipe)
        store.check_folder(RESULTS.value)
    if EXPORT.value and SAVED_MODELS.value:
        store.check_place(pathlib.Path(SAVED_MODELS.value) / recipe.name / CARD_FILE, recipe)
        publishing.check_folder(SAVED_MODELS.value)


def make_callbacks(directory, dataset):
    callbacks = [ScalarLog(directory / "tensorboard")] if TENSORBOARD.value else []
    if PICTURE_INTERVAL.value:
        callbacks.append(PictureLog(directory / "tensorboard", dataset, PICTURE_INTERVAL.value))
    return callbacks


def report(recipe, result):
    error = recipe.published_error
    figure = "none" if error is None else f"{as_published(error)} % ({recipe.source})"
    print(f"{recipe.name}, seed {result['seed']}: {result['seconds']:.1f} s of training on {result['device']}")
    for split, measured in result["errors"].items():
        print(f"  {split} error: {measured:.2f} %")
    print(f"  published test error: {figure}")


def export(recipe, result, model, dataset, workdir):
    folder, card = publishing.publish(recipe, result, model, dataset, SAVED_MODELS.value or workdir / "saved_model")
    print(f"SavedModel: {folder} (test error {card['errors']['test']:.2f} %)")


def export_elsewhere():
    """Becomes this command on TensorFlow, which finds the training done and writes the SavedModel."""
    if importlib.util.find_spec("tensorflow") is None:
        print("No SavedModel: TensorFlow is not installed. The same command on TensorFlow will write it.")
        return
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    print("Writing the SavedModel with TensorFlow.", flush=True)
    os.execve(sys.executable, [sys.executable, "-m", "trainers.train", *sys.argv[1:], "--distribute=none"], environment)


def train_and_report():
    recipe = chosen_recipe()
    check_number("--seed", SEED.value, 0, 2**31 - 1, integer=True)  # backends take 32 bits, members add to it
    if PICTURE_INTERVAL.value and distribution_flags.on_hosts():
        raise ValueError(
            "With --distribute=hosts no pictures are drawn, for one process cannot compute with arrays that all share; "
            f"received --picture_interval={PICTURE_INTERVAL.value}."
        )
    check_places(recipe)
    workdir = pathlib.Path(WORKDIR.value or f"runs/{recipe.name}/seed-{SEED.value}")
    trained = (workdir / run.RESULT_FILE).exists()
    deadline = None if MAX_SECONDS.value is None else STARTED + MAX_SECONDS.value
    job = (recipe, SEED.value, workdir, VERBOSE.value, make_callbacks, deadline)
    if distribution_flags.is_distributed() and not train_distributed(distribution_flags.chosen(), *job):
        return
    model, dataset, result = run.train(*job)
    if not trained or keras.backend.backend() == result["backend"]:
        report(recipe, result)
    if RESULTS.value:
        store.record_result(result, recipe, RESULTS.value)
    if not EXPORT.value:
        return
    if keras.backend.backend() == "tensorflow":
        export(recipe, result, model, dataset, workdir)
    else:
        export_elsewhere()


def end(message):
    """Ends the program with a message; at once on several hosts, where JAX would wait for the others and then abort."""
    if distribution_flags.on_hosts():
        sys.stdout.flush()
        print(message, file=sys.stderr, flush=True)
        os._exit(1)
    sys.exit(message)


def train_or_list():
    logging.set_verbosity(logging.WARNING)  # TensorFlow tells through it how it writes a SavedModel
    if LIST.value:
        list_recipes()
        return
    if DETERMINISTIC.value:
        enable_determinism()
    try:
        train_and_report()
    except TimeIsUp as stop:
        print(f"{RECIPE.value}, seed {SEED.value}: {stop}.")


main = main_of(train_or_list, end)

if __name__ == "__main__":
    app.run(main)
