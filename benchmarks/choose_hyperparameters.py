"""Compares values of recipe fields on validation data, over several seeds.

    KERAS_BACKEND=jax python -m benchmarks.choose_hyperparameters --recipe=synthetic_mlp-vat \\
        --grid=regularizers.vat.epsilon=0.25,0.5,1

For the synthetic set the validation data are whole draws of the generator, with seeds from 1000 on that no result
uses: each run trains on one draw's 1000 signals and is measured on its other 9000. For other sets, examples are held
out of the training set (`--num_validation`). No test set is touched. Prints the mean validation error per combination.
"""

import dataclasses
import itertools
import json
import pathlib
import tempfile

import keras
import numpy as np
from absl import app, flags

import zoo
from trainers import run
from zoo import recipes
from zoo.pretrained import error_percent

RECIPE = flags.DEFINE_string("recipe", "synthetic_mlp-vat", "Recipe to vary.")
GRID = flags.DEFINE_multi_string("grid", [], "field=value,value,…: the values of a recipe field; may be repeated.")
SEEDS = flags.DEFINE_list("seeds", ["1000", "1001", "1002"], "Seeds, from 1000 on.")
NUM_VALIDATION = flags.DEFINE_integer("num_validation", 10000, "Examples held out, but for the synthetic set.")
EPOCHS = flags.DEFINE_integer("epochs", None, "Epochs in place of the recipe's.", lower_bound=1)


def validation_data(recipe, seed):
    """A data set whose validation examples are those to choose by."""
    if recipe.dataset != "synthetic":
        return zoo.datasets.load(recipe.dataset, seed=seed, num_validation=NUM_VALIDATION.value)
    draw = zoo.datasets.load("synthetic", seed=seed)
    return dataclasses.replace(draw, x_validation=draw.x_test, y_validation=draw.y_test)


def validation_error(recipe, seed):
    """Error in per cent of one trained network on validation data."""
    if seed < 1000:
        raise ValueError(f"Seeds below 1000 are kept for results, received {seed}.")
    data = validation_data(recipe, seed)
    with tempfile.TemporaryDirectory() as directory:
        model, _ = run.train_member(recipe, data, seed, pathlib.Path(directory), verbose=0)
    error = error_percent(model.predict_on_batch, data.x_validation, data.y_validation)
    keras.utils.clear_session()
    return error


def main(_):
    base = recipes.get(RECIPE.value)
    if EPOCHS.value:
        base = base.override({"epochs": EPOCHS.value})
    fields = [text.partition("=")[::2] for text in GRID.value]
    for values in itertools.product(*(json.loads(f"[{values}]") for _, values in fields)):
        choice = {field: value for (field, _), value in zip(fields, values, strict=True)}
        errors = [validation_error(base.override(choice), int(seed)) for seed in SEEDS.value]
        spread = f"± {np.std(errors, ddof=1):.2f}" if len(errors) > 1 else ""
        print(f"{base.name} {json.dumps(choice)}: {np.mean(errors):.2f} {spread} ({len(errors)} seeds)", flush=True)


if __name__ == "__main__":
    app.run(main)
