"""One compiled training step of recipes, on a few inputs of their data sets: whether they run at all on this device."""

import dataclasses
import functools
import time

import numpy as np

import zoo
from benchmarks.timing import write_json
from zoo.recipes.build import build_model, training_batches

NUM_EXAMPLES = 100


@functools.cache
def few_examples(name):
    """The first examples of a data set."""
    data = zoo.datasets.load(name)
    fields = ("x_train", "y_train", "x_test", "y_test")
    return dataclasses.replace(data, **{field: getattr(data, field)[:NUM_EXAMPLES] for field in fields})


def take_step(recipe):
    """Trains one step of a recipe.

    Args:
        recipe: `Recipe`. Where it has a label subset, all examples get their labels.

    Returns:
        `{"seconds": for compiling and running, "loss": of the step}`.

    Raises:
        ValueError: the loss is not finite; besides whatever training raises.
    """
    data, began = few_examples(recipe.dataset), time.perf_counter()
    sizes = {"batch_size": min(recipe.batch_size, len(data.x_train)), "num_labels": None}
    if recipe.unlabeled_batch_size:
        sizes["unlabeled_batch_size"] = len(data.x_train)
    recipe = dataclasses.replace(recipe, **sizes)
    batches = training_batches(recipe, data, seed=0)
    loss = build_model(recipe, data, len(batches), seed=0).fit(batches, verbose=0).history["loss"][-1]
    if not np.isfinite(loss):
        raise ValueError(f"The loss is {loss}.")
    return {"seconds": round(time.perf_counter() - began, 1), "loss": float(loss)}


def take_steps(recipes, path):
    """Takes a step of each recipe and writes `{name: what take_step returns, or {"error": text}}` after each.

    Args:
        recipes: list of `Recipe`.
        path: of the JSON file.
    """
    steps = {}
    for recipe in recipes:
        try:
            steps[recipe.name] = take_step(recipe)
        except Exception as error:  # whatever it is, the others are still to be tried
            steps[recipe.name] = {"error": f"{type(error).__name__}: {error}"[:2000]}
        print(f"{recipe.name}: {steps[recipe.name]}", flush=True)
        write_json(path, steps)
