"""Trains a recipe, prints its test error next to the published one, and writes a SavedModel with its card.

Without flags it trains a small network on synthetic signals, in seconds and without a download:

    python -m trainers.train

Other runs:

    python -m trainers.train --list
    python -m trainers.train --recipe=mnist_mlp-vat --seed=1
    python -m trainers.train --recipe=mnist_mlp-vat --override=regularizers.vat.epsilon=1.5 --override=epochs=20

The same command resumes a stopped run: after a kill from the last complete epoch, after SIGTERM (exit status 143) from
the last step. The resumed run ends with the weights of an undisturbed one. With KERAS_BACKEND=jax the command trains on
JAX, and then starts a TensorFlow process that writes the SavedModel, if TensorFlow is installed.
"""

import os
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any

import keras
from absl import app, flags, logging

from trainers.cli import distribution_flags
from trainers.cli.program import is_finite, main_of
from trainers.cli.recipe_flags import parse_overrides
from trainers.results import publishing, store
from trainers.results.tables import as_published
from trainers.runs import run
from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.callbacks.picture_log import PictureLog
from trainers.runs.callbacks.scalar_log import ScalarLog
from trainers.runs.distributed import train_distributed
from trainers.runs.workdir import RESULT_FILE
from zoo import recipes
from zoo.backend.devices import enable_determinism
from zoo.datasets import Dataset
from zoo.optional import is_installed
from zoo.pretrained.card import CARD_FILE
from zoo.recipes import Recipe
from zoo.validation import check_number

STARTED = time.monotonic()

RECIPE = flags.DEFINE_string("recipe", "synthetic_mlp-vmt_shift", "Name of the recipe; --list shows all.")
LIST = flags.DEFINE_bool("list", False, "Print the names and published errors of all recipes, and exit.")
SEED = flags.DEFINE_integer("seed", 0, "Seed of weights, batches, penalties and data splits.", lower_bound=0)
EPOCHS = flags.DEFINE_integer("epochs", None, "Number of epochs. Default: that of the recipe.", lower_bound=1)
OVERRIDE = flags.DEFINE_multi_string(
    "override",
    [],
    "FIELD=VALUE: a field of the recipe and its value as JSON or text, such as learning_rate=0.01 or "
    "regularizers.vat.epsilon=1.5; or a JSON file of fields and values, such as the best.json of trainers.tune. May be "
    "repeated.",
)
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of checkpoints and logs. Default: runs/RECIPE/seed-SEED.")
EXPORT = flags.DEFINE_bool("export", True, "Write a SavedModel at the end.")
SAVED_MODELS = flags.DEFINE_string(
    "saved_models", None, "Folder to write the SavedModel and an index into. Default: WORKDIR/saved_model."
)
RESULTS = flags.DEFINE_string("results", None, "Results folder; the figures of the run go into RESULTS/RECIPE.json.")
MINUTES = flags.DEFINE_float(
    "minutes", None, "Time budget in minutes; when it ends, the run stops after the present epoch.", 0.0
)
flags.register_validator("minutes", is_finite, "The number of minutes must be finite.")
PICTURE_INTERVAL = flags.DEFINE_integer(
    "picture_interval", 0, "Draw perturbed and moved inputs for TensorBoard every so many epochs; 0 draws none.", 0
)
DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Make runs with the same seed equal bit by bit on a GPU, too; slower."
)
VERBOSE = flags.DEFINE_integer("verbose", 1, "0: silent. 1: a progress bar. 2: a line per epoch.", 0, 2)
flags.adopt_module_key_flags(distribution_flags)  # so that --help shows them


def chosen_recipe() -> Recipe:
    """The recipe that the flags describe.

    Raises:
        ValueError: the recipe or a field is unknown, or a value is out of its range.
    """
    assignments = parse_overrides(OVERRIDE.value)
    if EPOCHS.value is not None:
        assignments["epochs"] = EPOCHS.value
    return recipes.get(RECIPE.value).override(assignments)


def list_recipes() -> None:
    """Prints the names of all recipes with their published errors."""
    for name, recipe in recipes.RECIPES.items():
        figure = "" if recipe.published_error is None else f"published {as_published(recipe.published_error)} %"
        print(f"{name:<40} {figure}")


def check_places(recipe: Recipe) -> None:
    """Checks, before training, that the folders can take the figures and the SavedModel of a recipe.

    Raises:
        ValueError: figures of other settings would be replaced, or a folder holds damaged or other files.
        OSError: a folder cannot be written.
    """
    if RESULTS.value:
        store.check_place(pathlib.Path(RESULTS.value) / f"{recipe.name}.json", recipe)
        store.check_results(RESULTS.value)
    if EXPORT.value and SAVED_MODELS.value:
        store.check_place(pathlib.Path(SAVED_MODELS.value) / recipe.name / CARD_FILE, recipe)
        publishing.check_models_folder(SAVED_MODELS.value)


def make_callbacks(directory: pathlib.Path, dataset: Dataset) -> Sequence[keras.callbacks.Callback]:
    """The logs of a member.

    Args:
        directory: of the member.
        dataset: whose first test inputs the pictures show.
    """
    callbacks = [ScalarLog(directory / "tensorboard")]
    if PICTURE_INTERVAL.value:
        callbacks.append(PictureLog(directory / "tensorboard", dataset, PICTURE_INTERVAL.value))
    return callbacks


def report(recipe: Recipe, result: dict[str, Any]) -> None:
    """Prints the errors of a run and the published one."""
    error = recipe.published_error
    figure = "none" if error is None else f"{as_published(error)} % ({recipe.source})"
    print(f"{recipe.name}, seed {result['seed']}: {result['seconds']:.1f} s of training on {result['device']}")
    for split, measured in result["errors"].items():
        print(f"  {split} error: {measured:.2f} %")
    print(f"  published test error: {figure}")


def export(recipe: Recipe, result: dict[str, Any], model: keras.Model, dataset: Dataset, workdir: pathlib.Path) -> None:
    """Writes the SavedModel and prints its error."""
    folder, card = publishing.publish(recipe, result, model, dataset, SAVED_MODELS.value or workdir / "saved_model")
    print(f"SavedModel: {folder} (test error {card['errors']['test']:.2f} %)")


def export_elsewhere() -> None:
    """Replaces this process by the same command on TensorFlow, which finds the run trained and exports it."""
    if not is_installed("tensorflow"):
        print("No SavedModel written: TensorFlow is not installed. Install it and run the same command again.")
        return
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    print("Writing the SavedModel with TensorFlow.", flush=True)
    os.execve(sys.executable, [sys.executable, "-m", "trainers.train", *sys.argv[1:], "--distribute=none"], environment)


def check_flags() -> None:
    """Checks what the flags cannot check one by one.

    Raises:
        ValueError: the seed is too large, or pictures are asked for on several hosts.
    """
    check_number("--seed", SEED.value, 0, 2**31 - 1, integer=True)  # backends take 32 bits, and members add to it
    if PICTURE_INTERVAL.value and distribution_flags.on_hosts():
        raise ValueError(
            "--distribute=hosts needs --picture_interval=0, because one host alone cannot compute with arrays that all "
            f"hosts share; received --picture_interval={PICTURE_INTERVAL.value}."
        )


def train_and_report() -> None:
    """Trains the recipe, prints its figures, records them and exports the model."""
    recipe = chosen_recipe()
    check_flags()
    check_places(recipe)
    workdir = pathlib.Path(WORKDIR.value or f"runs/{recipe.name}/seed-{SEED.value}")
    trained = (workdir / RESULT_FILE).exists()
    deadline = None if MINUTES.value is None else STARTED + 60 * MINUTES.value
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


def end(message: str) -> None:
    """Ends the process with a message; at once on several hosts, where JAX would wait for the others and abort."""
    if distribution_flags.on_hosts():
        sys.stdout.flush()
        print(message, file=sys.stderr, flush=True)
        os._exit(1)
    sys.exit(message)


def train_or_list() -> None:
    """Does what the flags ask for."""
    logging.set_verbosity(logging.WARNING)  # TensorFlow logs details of each SavedModel
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
