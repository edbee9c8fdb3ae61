"""Searches for hyperparameters of a recipe on validation data; the search never sees a test set.

    python -m trainers.tune --recipe=synthetic_mlp-vat --space=regularizers.vat.epsilon=log:0.01:10 --seeds=3
    python -m trainers.tune --recipe=mnist_ladder-100_adversarial --space=thesis_dense
    python -m trainers.tune --recipe=mnist_mlp-at_l2

The last command repeats the search that the recipe records. The same command resumes a stopped search and repeats no
finished training. WORKDIR gets a table of all trials (README.md, trials.json), a picture (trials.png) and the best
values (best.json, for `trainers.train --override=best.json`).

To use several workers, start the same command several times with the same --workdir. Set KERASTUNER_ORACLE_IP and
KERASTUNER_ORACLE_PORT to the address of the chief, and KERASTUNER_TUNER_ID to "chief" for one process and to a
different name for each worker.
"""

import time

from absl import flags

from trainers.cli import program, quiet, words
from trainers.cli.choices import allow
from trainers.cli.light_imports import without_keras
from trainers.cli.output import figures

with without_keras():
    from zoo.recipes import LISTED_BY, RECIPES
    from zoo.recipes.search import ENGINES
    from zoo.recipes.searches import SEARCHES

    NAMES, ENGINES, SPACES = list(RECIPES), list(ENGINES), list(SEARCHES)

STARTED = time.monotonic()

RECIPE = flags.DEFINE_string("recipe", "synthetic_mlp-vat", words.RECIPE)
SPACE = flags.DEFINE_multi_string(
    "space",
    [],
    "What to search: FIELD=VALUE,VALUE,…, FIELD=log:MIN:MAX or FIELD=linear:MIN:MAX, such as "
    "regularizers.vat.epsilon=log:0.01:10; a JSON file with {FIELD: {values: […]}} or {FIELD: {min, max, sampling}}; "
    f"or a predefined space: {', '.join(SPACES)}. May be repeated. Default: the search that the recipe records.",
)
ENGINE = flags.DEFINE_string(
    "engine",
    None,
    f"How to search: {', '.join(ENGINES)}. Default: that of the search, or random.",
)
TRIALS = flags.DEFINE_integer("trials", None, "Largest number of trials. Default: a full grid, or 20.", lower_bound=1)
SEEDS = flags.DEFINE_integer("seeds", None, f"{words.SEEDS} of each trial, from 1000 upward. Default: 1.", 1)
NUM_VALIDATION = flags.DEFINE_integer(
    "num_validation", None, "Training examples to hold out if the recipe holds out none. Default: 10000.", 1
)
EPOCHS = flags.DEFINE_integer("epochs", None, words.EPOCHS, lower_bound=1)
OVERRIDE = flags.DEFINE_multi_string("override", [], f"{words.OVERRIDE} It holds for all trials.")
WORKDIR = flags.DEFINE_string("workdir", None, f"{words.WORKDIR} Default: runs/RECIPE/search.")
MINUTES = flags.DEFINE_float("minutes", None, f"{words.MINUTES} A chief ignores it.", 0.0)
JSON = flags.DEFINE_bool("json", False, words.JSON)
allow(RECIPE, "recipe", NAMES, LISTED_BY)
allow(ENGINE, "engine", ENGINES)
flags.register_validator("minutes", program.is_finite, "The number of minutes must be finite.")

SECTIONS = {
    "What to search": [RECIPE, SPACE, OVERRIDE],
    "How": [ENGINE, TRIALS, SEEDS, EPOCHS, NUM_VALIDATION, MINUTES],
    "Files": [WORKDIR],
    "What to show": [JSON],
}
SEARCH = {  # arguments of `Search`
    "engine": ENGINE,
    "num_trials": TRIALS,
    "num_seeds": SEEDS,
    "num_validation": NUM_VALIDATION,
    "epochs": EPOCHS,
}


def search() -> None:
    """Runs the search and prints the best trial."""
    given = {field: flag.value for field, flag in SEARCH.items() if flag.value is not None}
    deadline = None if MINUTES.value is None else STARTED + 60 * MINUTES.value
    quiet.load("keras")
    quiet.warn_of_unused_gpu()
    from trainers.tuning.search import tune

    with figures(JSON.value) as give:
        give(*tune(RECIPE.value, OVERRIDE.value, SPACE.value, given, WORKDIR.value, deadline))


main = program.main_of(search)

if __name__ == "__main__":
    program.run(main, SECTIONS)
