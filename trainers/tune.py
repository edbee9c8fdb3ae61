"""Searches for hyperparameters of a recipe on validation data; no test set is touched.

    python -m trainers.tune --recipe=synthetic_mlp-vat --space=regularizers.vat.epsilon=log:0.01:10 --seeds=3
    python -m trainers.tune --recipe=mnist_ladder-100_adversarial --space=thesis_dense
    python -m trainers.tune --recipe=mnist_mlp-at_l2

The last one repeats the search that is written down in the recipe. A stopped search goes on with the same command; no
finished training is repeated. The folder gets a table of all trials (README.md, trials.json), a picture (trials.png)
and the best values (best.json, to be used as `trainers.train --override=best.json`).

For several workers start the same command several times, with the same --workdir, and KERASTUNER_ORACLE_IP and
KERASTUNER_ORACLE_PORT of the chief; KERASTUNER_TUNER_ID is "chief" for one, and a name of its own for each other one.
"""

import time

from absl import app, flags

from trainers.cli.program import is_finite, main_of
from trainers.tuning.search import tune
from zoo.recipes.search import ENGINES
from zoo.recipes.searches import SEARCHES

STARTED = time.monotonic()

RECIPE = flags.DEFINE_string("recipe", "synthetic_mlp-vat", "Name of the recipe; trainers.train --list shows all.")
SPACE = flags.DEFINE_multi_string(
    "space",
    [],
    "What to search: field=value,value,…, field=log:min:max or field=linear:min:max, such as "
    "regularizers.vat.epsilon=log:0.01:10; a JSON file with {field: {values: […]}} or {field: {min, max, sampling}}; "
    f"or a ready-made one: {', '.join(SEARCHES)}. May be repeated; default: the search written down in the recipe.",
)
ENGINE = flags.DEFINE_string("engine", None, f"How to search: {', '.join(ENGINES)}; default random.")
TRIALS = flags.DEFINE_integer("trials", None, "Number of trials at most; default a whole grid, or 20.", lower_bound=1)
SEEDS = flags.DEFINE_integer("seeds", None, "Trainings of each trial, with seeds from 1000 on; default 1.", 1)
NUM_VALIDATION = flags.DEFINE_integer(
    "num_validation", None, "Examples held out of the training set, if the recipe holds out none; default 10000.", 1
)
EPOCHS = flags.DEFINE_integer("epochs", None, "Epochs of a training in place of the recipe's.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", None, "Seed of the engine's own choices; default 0.", lower_bound=0)
OVERRIDE = flags.DEFINE_multi_string("override", [], "field=value, as for trainers.train, in every trial.")
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the search; default runs/RECIPE/search.")
MINUTES = flags.DEFINE_float(
    "minutes", None, "Stop behind a checkpoint when this time is over; a chief goes on, and is to be stopped.", 0.0
)
flags.register_validator("minutes", is_finite, "The time must be finite.")

FLAGS = {
    "engine": ENGINE,
    "num_trials": TRIALS,
    "num_seeds": SEEDS,
    "num_validation": NUM_VALIDATION,
    "epochs": EPOCHS,
    "seed": SEED,
}


def search():
    given = {field: flag.value for field, flag in FLAGS.items() if flag.value is not None}
    deadline = None if MINUTES.value is None else STARTED + 60 * MINUTES.value
    tune(RECIPE.value, OVERRIDE.value, SPACE.value, given, WORKDIR.value, deadline)


main = main_of(search)

if __name__ == "__main__":
    app.run(main)
