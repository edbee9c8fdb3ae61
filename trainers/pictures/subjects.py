"""Networks and examples for pictures: published models, short runs of recipes, and points in the plane."""

import contextlib
import functools
import pathlib
import sys
from typing import Any

import keras
import numpy as np
from keras import ops

import zoo
from trainers.results.files import read_json
from trainers.runs.data import load_data, load_own_data
from trainers.runs.progress import progress
from trainers.runs.workdir import RUN_FILE
from zoo import analysis, pretrained, recipes, regularizers
from zoo.datasets import Dataset
from zoo.recipes import Recipe
from zoo.recipes.build import build_model, training_batches
from zoo.training.callbacks.checkpoint import Checkpoint

NUM_LABELED, NUM_POINTS, RADIUS = 10, 1000, 0.3
# Arguments of the network and of the regularizers; all perturbations have the same size.
PLANE_METHODS = {
    "none": ({}, {}),
    "weight decay": ({"kernel_regularizer": keras.regularizers.L2(1e-2)}, {}),
    "input noise": ({"input_noise_std": RADIUS}, {}),
    "AT": ({}, {"at": {"epsilon": RADIUS}}),
    "AT, sign": ({}, {"at": {"epsilon": RADIUS, "noise": "sign"}}),
    "random perturbation": ({}, {"vat": {"epsilon": RADIUS, "direction": "random"}}),
    "VAT": ({}, {"vat": {"epsilon": RADIUS}}),
    "VAT + entropy": ({}, {"vat": {"epsilon": RADIUS}, "entropy": {}}),
    "smoothness": ({}, {"smoothness": {"epsilon": RADIUS}}),
    "worst smoothness": ({}, {"smoothness": {"epsilon": RADIUS, "direction": "adversarial"}}),
    "Jacobian": ({}, {"jacobian": {"weight": RADIUS**2}}),
}


class Published:
    """A published model and the first examples of its test set.

    Args:
        name: of the model, or path of a SavedModel.
        directory: folder of published models; None for the default one.
        num_examples: to load.

    Attributes:
        title: names the data set and the model.
        network: from preprocessed inputs to logits.
        inputs: preprocessed, `(n, ...)`.
        labels: `(n,)`.
    """

    def __init__(self, name: str, directory: str | None, num_examples: int) -> None:
        model, card = pretrained.load(name, directory), pretrained.model_card(name, directory)
        data = load_own_data(card)
        self.title = f"{data.name}, {card['name']}"
        self.network, self.labels = model.network, data.y_test[:num_examples].ravel()
        self.inputs = prepared(model, data.x_test[:num_examples])


def prepared(model: zoo.RegularizedModel, x: np.ndarray) -> np.ndarray:
    """Applies the preprocessing of a model to raw inputs."""
    return ops.convert_to_numpy(model.prepare(ops.convert_to_tensor(x), training=False)[0])


def probabilities(network: Any, inputs: np.ndarray) -> np.ndarray:
    """The predicted probabilities, `(n, num_classes)`."""
    return ops.convert_to_numpy(ops.softmax(analysis.predict_logits(network, ops.convert_to_tensor(inputs))))


def built(recipe: Recipe, seed: int) -> tuple[zoo.RegularizedModel, Dataset, Any]:
    """The model of a recipe as it is before training, its data set and its batches."""
    data = load_data(recipe, seed)
    batches = training_batches(recipe, data, seed)
    return build_model(recipe, data, len(batches), seed), data, batches


def train_briefly(recipe: Recipe, seed: int) -> tuple[zoo.RegularizedModel, Dataset]:
    """Trains a recipe without a working directory, with Keras's bar; returns the model and its data set."""
    model, data, batches = built(recipe, seed)
    with contextlib.redirect_stdout(sys.stderr):  # of the progress bar
        model.fit(batches, epochs=recipe.epochs, verbose=int(sys.stderr.isatty()))
    return model, data


@functools.cache
def trained_once(name: str, epochs: int, seed: int) -> tuple[zoo.RegularizedModel, Dataset]:
    """What `train_briefly` returns for a recipe: several pictures show the same network.

    Args:
        name: of the recipe.
        epochs: instead of those of the recipe.
        seed: of data and network.
    """
    return train_briefly(recipes.get(name).override({"epochs": epochs}), seed)


def restore_run(workdir: str | pathlib.Path) -> tuple[Recipe, zoo.RegularizedModel, Dataset]:
    """Restores a finished run: its recipe, its first model with the state of training, and its data set.

    Args:
        workdir: of the run.

    Raises:
        ValueError: `workdir` holds no finished run, or a damaged one.
    """
    path, checkpoint = pathlib.Path(workdir) / RUN_FILE, Checkpoint(pathlib.Path(workdir) / "member-0")
    if not path.exists() or not checkpoint.state["finished"]:
        raise ValueError(f"{workdir} holds no finished run.")
    run = read_json(path)
    recipe = Recipe(**run["recipe"])
    model, data, _ = built(recipe, run["seed"])
    checkpoint.restore(model)
    return recipe, model, data


def train_on_moons(seed: int, epochs: int = 60) -> tuple[Any, ...]:
    """Trains one network per method on two moons with few labeled and many unlabeled points.

    Args:
        seed: of data and networks.
        epochs: of each network.

    Returns:
        Arguments of `trainers.pictures.boundaries.decision_boundaries`.
    """
    x, y = zoo.datasets.two_moons(NUM_POINTS, seed=seed)
    x_test, y_test = zoo.datasets.two_moons(NUM_POINTS, seed=seed + 1)
    rows = zoo.datasets.balanced_subset(y, NUM_LABELED, seed)
    batches = zoo.datasets.SemiSupervised(x[rows], y[rows], x, batch_size=NUM_LABELED, unlabeled_batch_size=100)
    left, bottom, right, top = *(x.min(axis=0) - 0.2), *(x.max(axis=0) + 0.2)
    grid = np.stack(np.meshgrid(np.linspace(left, right, 120), np.linspace(bottom, top, 80)), axis=-1)
    shades, errors = {}, {}
    models, flat = plane_models(seed), grid.reshape(-1, 2).astype("float32")
    with progress(len(models), "network") as move:
        for method, model in models.items():
            model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            model.fit(batches, epochs=epochs, verbose=0)
            shades[method] = probabilities(model.network, flat)[:, 1].reshape(grid.shape[:2])
            predict = functools.partial(analysis.predict_logits, model.network)
            errors[method] = pretrained.error_percent(predict, x_test, y_test)
            move(1)
    return shades, (left, right, bottom, top), x, (x[rows], y[rows]), errors


def plane_models(seed: int) -> dict[str, zoo.RegularizedModel]:
    """A small network per method, and a ladder; all start from the same seed."""
    models = {}
    for method, (options, penalties) in PLANE_METHODS.items():
        keras.utils.set_random_seed(seed)
        network = zoo.networks.mlp((2,), 2, hidden_units=(64, 64), batch_normalization=False, **options)
        models[method] = zoo.RegularizedModel(network, regularizers.build(penalties), seed=seed)
    keras.utils.set_random_seed(seed)
    rungs = [{"name": "dense", "units": units} for units in (64, 64, 2)]
    encoder = zoo.ladder.ladder_encoder((2,), 2, rungs=rungs)
    models["ladder"] = zoo.LadderNetwork(encoder, denoising_weights=[10, 1, 0.1, 0.1], noise_std=RADIUS, seed=seed)
    return models
