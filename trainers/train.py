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
from typing import Any

from absl import flags

from trainers.cli import distribution_flags, program, quiet, words
from trainers.cli.choices import allow
from trainers.cli.light_imports import without_keras
from trainers.cli.output import Give, figures

with without_keras():
    from zoo.recipes import LISTED_BY, RECIPES

    NAMES = list(RECIPES)

STARTED = time.monotonic()

RECIPE = flags.DEFINE_string("recipe", "synthetic_mlp-vmt_shift", words.RECIPE)
LIST = flags.DEFINE_bool("list", False, "Print all recipes with their errors, and exit.")
SEED = flags.DEFINE_integer("seed", 0, "Seed of weights, batches, penalties and data splits.", 0, 2**31 - 1)
EPOCHS = flags.DEFINE_integer("epochs", None, words.EPOCHS, lower_bound=1)
OVERRIDE = flags.DEFINE_multi_string("override", [], words.OVERRIDE)
WORKDIR = flags.DEFINE_string("workdir", None, f"{words.WORKDIR} Default: runs/RECIPE/seed-SEED.")
EXPORT = flags.DEFINE_bool("export", True, "Write a SavedModel at the end.")
SAVED_MODELS = flags.DEFINE_string(
    "saved_models",
    None,
    f"{words.SAVED_MODELS} The run writes its SavedModel and an index into it. Default: WORKDIR/saved_model.",
)
RESULTS = flags.DEFINE_string("results", None, f"{words.RESULTS} The run adds its own to RESULTS/RECIPE.json.")
JSON = flags.DEFINE_bool("json", False, words.JSON)
MINUTES = flags.DEFINE_float("minutes", None, words.MINUTES, 0.0)
PICTURE_INTERVAL = flags.DEFINE_integer(
    "picture_interval", 0, "Draw perturbed and moved inputs for TensorBoard every so many epochs; 0 draws none.", 0
)
DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Make runs with the same seed equal bit by bit on a GPU, too; slower."
)
VERBOSE = flags.DEFINE_integer(
    "verbose", 1, "0: the errors only. 1: a progress bar, too. 2: a line per epoch instead.", 0, 2
)
allow(RECIPE, "recipe", NAMES, LISTED_BY)
flags.register_validator("minutes", program.is_finite, "The number of minutes must be finite.")

SECTIONS = {
    "What to train": [RECIPE, LIST, SEED, EPOCHS, OVERRIDE],
    "Files": [WORKDIR, EXPORT, SAVED_MODELS, RESULTS],
    "How": [MINUTES, DETERMINISTIC, *distribution_flags.HOLDERS],
    "What to show": [VERBOSE, PICTURE_INTERVAL, JSON],
}


def list_recipes() -> None:
    """Prints all recipes with our errors and the published ones."""
    with without_keras():
        from trainers.cli.recipe_list import recipe_facts, recipe_list

    facts = recipe_facts(RESULTS.value)
    with figures(JSON.value) as give:
        give(recipe_list(facts), facts)


def chosen_recipe() -> Any:
    """The `Recipe` that the flags describe.

    Raises:
        UsageError: a field is unknown, or a value is out of its range.
    """
    from trainers.cli.recipe_flags import parse_overrides
    from zoo import recipes

    with program.usage():
        assignments = parse_overrides(OVERRIDE.value)
        if EPOCHS.value is not None:
            assignments["epochs"] = EPOCHS.value
        return recipes.get(RECIPE.value).override(assignments)


def make_callbacks(directory: pathlib.Path, dataset: Any) -> list[Any]:
    """The logs of a member.

    Args:
        directory: of the member.
        dataset: whose first test inputs the pictures show.
    """
    from trainers.runs.callbacks.picture_log import PictureLog
    from trainers.runs.callbacks.scalar_log import ScalarLog

    callbacks = [ScalarLog(directory / "tensorboard")]
    if PICTURE_INTERVAL.value:
        from trainers.pictures.from_networks import while_training

        folder, interval = directory / "tensorboard", PICTURE_INTERVAL.value
        callbacks.append(PictureLog(folder, dataset, interval, while_training))
    return callbacks


def report(recipe: Any, result: dict[str, Any]) -> None:
    """Prints the errors of a run and the published one."""
    from trainers.results.tables import as_published

    error = recipe.published_error
    figure = "none" if error is None else f"{as_published(error)} % ({recipe.source})"
    print(f"{recipe.name}, seed {result['seed']}: {result['seconds']:.1f} s of training on {result['device']}")
    for split, measured in result["errors"].items():
        print(f"  {split} error: {measured:.2f} %")
    print(f"  published test error: {figure}", flush=True)


def export(recipe: Any, result: dict[str, Any], model: Any, dataset: Any, workdir: pathlib.Path) -> Any:
    """Writes the SavedModel and prints its error; returns its folder, or None without TensorFlow.

    On JAX, replaces this process by the same command on TensorFlow, which finds the run trained and exports it.
    """
    import keras

    from trainers.runs.places import publish
    from zoo.optional import is_installed

    if keras.backend.backend() == "tensorflow":
        print("Writing the SavedModel and measuring its errors, unless that of this run is there.", flush=True)
        directory = SAVED_MODELS.value or workdir / "saved_model"
        verbose = int(VERBOSE.value == 1 and sys.stdout.isatty())
        folder, card = publish(recipe, result, model, dataset, directory, verbose)
        print(f"SavedModel: {folder} (test error {card['errors']['test']:.2f} %)", flush=True)
        return folder
    if not is_installed("tensorflow"):
        print("No SavedModel written: TensorFlow is not installed. Install it and run the same command again.")
        return None
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    print("Starting TensorFlow, which writes the SavedModel.", flush=True)
    os.execve(sys.executable, [sys.executable, "-m", "trainers.train", *sys.argv[1:], "--distribute=none"], environment)


def conclude(give: Give, recipe: Any, result: dict[str, Any], workdir: pathlib.Path, model: Any) -> None:
    """Says where the files are and what to try next, unless the run is silent; or gives all figures as JSON."""
    from trainers.analysis.plan import attack_sizes
    from trainers.cli.next_steps import ATTACK, next_steps

    if not VERBOSE.value and not JSON.value:
        return
    described = {key: value for key, value in result.items() if key != "curves"}
    published = {"published_error": recipe.published_error, "source": recipe.source}
    places = {"workdir": str(workdir), "saved_model": None if model is None else str(model)}
    epsilon = attack_sizes(recipe.dataset, is_image=recipe.dataset != "synthetic")[ATTACK]
    text = f"Checkpoints and logs: {workdir}\n\n{next_steps(recipe, result, workdir, model, epsilon)}"
    give(text, {**described, **published, **places})


def check_flags() -> None:
    """Checks what the flags cannot check one by one.

    Raises:
        UsageError: a flag does nothing next to the others, or pictures are asked for on several hosts.
    """
    distribution_flags.check()
    if SAVED_MODELS.value and not EXPORT.value:
        raise program.UsageError(f"--noexport writes no SavedModel. Leave out --saved_models={SAVED_MODELS.value}.")
    if PICTURE_INTERVAL.value and distribution_flags.on_hosts():
        raise program.UsageError(
            "--distribute=hosts needs --picture_interval=0, because one host alone cannot compute with arrays that all "
            f"hosts share; received --picture_interval={PICTURE_INTERVAL.value}."
        )


def train_and_report(give: Give) -> None:
    """Trains the recipe, prints its figures, records them and exports the model."""
    import keras

    from trainers.results import store
    from trainers.runs import run
    from trainers.runs.distributed import train_distributed
    from trainers.runs.places import check_places
    from trainers.runs.workdir import RESULT_FILE

    recipe = chosen_recipe()
    check_flags()
    check_places(recipe, RESULTS.value, SAVED_MODELS.value if EXPORT.value else None)
    workdir = pathlib.Path(WORKDIR.value or f"runs/{recipe.name}/seed-{SEED.value}")
    trained = (workdir / RESULT_FILE).exists()
    deadline = None if MINUTES.value is None else STARTED + 60 * MINUTES.value
    job = (recipe, SEED.value, workdir, VERBOSE.value, make_callbacks, deadline)
    if distribution_flags.is_distributed() and not train_distributed(distribution_flags.chosen(), *job):
        give("", {"recipe": recipe.name, "seed": SEED.value, "workdir": str(workdir)})
        return
    model, dataset, result = run.train(*job)
    # The run on JAX that started this process for its export has printed the figures; see `export`.
    is_export = trained and distribution_flags.DISTRIBUTE.present and keras.backend.backend() != result["backend"]
    if not is_export:
        report(recipe, result)
    if RESULTS.value:
        store.record_result(result, recipe, RESULTS.value)
    folder = export(recipe, result, model, dataset, workdir) if EXPORT.value else None
    conclude(give, recipe, result, workdir, folder)


def train_or_list() -> None:
    """Does what the flags ask for."""
    if LIST.value:
        list_recipes()
        return
    quiet.load("keras")
    from trainers.runs.callbacks.deadline import TimeIsUp
    from zoo.backend.devices import enable_determinism

    if DETERMINISTIC.value:
        enable_determinism()
    quiet.warn_of_unused_gpu()
    with figures(JSON.value) as give:
        try:
            train_and_report(give)
        except TimeIsUp as stop:
            place = {"recipe": RECIPE.value, "seed": SEED.value}
            give(f"{RECIPE.value}, seed {SEED.value}: {stop}.", {**place, "stopped": str(stop)})


def end(message: str, status: int) -> None:
    """Ends the process with a message; at once on several hosts, where JAX would wait for the others and abort."""
    if distribution_flags.on_hosts():
        sys.stdout.flush()
        print(message, file=sys.stderr, flush=True)
        os._exit(status)
    program.end(message, status)


main = program.main_of(train_or_list, end)

if __name__ == "__main__":
    program.run(main, SECTIONS)
