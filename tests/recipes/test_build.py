"""The models, batches and callbacks that are built from recipes."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.support.tiny_datasets import tiny_dataset
from zoo import recipes
from zoo.recipes.build import build_callbacks, build_model, combine, label_targets, member_seeds, training_batches
from zoo.recipes.optimization import build_optimizer


def tiny(recipe):
    """The recipe with narrow layers, and one epoch with a step for 20 examples."""
    changes = {"epochs": 1, "batch_size": 20, "num_members": min(recipe.num_members, 2)}
    if recipe.unlabeled_batch_size:
        changes["unlabeled_batch_size"] = 20
    if recipe.network["name"] == "mlp":
        changes["network.hidden_units"] = [8] * len(recipe.network["hidden_units"])
    for index, rung in enumerate(recipe.network.get("rungs", ())):
        for width in {"units", "filters"} & rung.keys() if 10 not in rung.values() else ():
            changes[f"network.rungs.{index}.{width}"] = 4
        if rung.get("size", 0) > 16:  # a window over almost all of an image
            changes[f"network.rungs.{index}.size"] = rung["size"] - 16
    if recipe.num_labels:
        changes["num_labels"] = 20
    # Whitening has its own test, and takes long at this size.
    changes["preprocessing"] = [step for step in recipe.preprocessing if step["name"] != "zca_whitening"]
    return recipe.override(changes)


def weights_after_training(recipe, num_steps):
    """Trains eagerly: the programs of dozens of recipes take minutes to trace, and one step runs in milliseconds."""
    dataset = tiny_dataset(recipe.dataset, 20 * num_steps)
    models = []
    for seed in member_seeds(recipe, 0):
        batches = training_batches(recipe, dataset, seed)
        model = build_model(recipe, dataset, len(batches), seed)
        model.compile(model.optimizer, model.loss, metrics=["accuracy"], run_eagerly=True)
        targets = label_targets(recipe, dataset.y_validation, dataset.num_classes)
        validation = (dataset.x_validation, targets) if recipe.early_stopping_patience else None
        callbacks = build_callbacks(recipe, dataset, batches)
        history = model.fit(batches, epochs=1, validation_data=validation, callbacks=callbacks, verbose=0).history
        assert all(np.isfinite(values).all() for values in history.values())
        models.append(model)
    model = combine(recipe, models)
    predictions = keras.ops.convert_to_numpy(model(dataset.x_test))
    assert predictions.shape == (20 * num_steps, dataset.num_classes) and np.isfinite(predictions).all()
    return model.network.get_weights()


def leaves(settings, path=()):
    """The places in a recipe's settings with what stands there; of numbers, only whether they are zero."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            yield from leaves(value, (*path, key))
    elif isinstance(settings, (list, tuple)):
        for value in settings:
            yield from leaves(value, (*path, len(settings)))
    else:
        is_choice = settings is None or isinstance(settings, (bool, str))
        yield path, settings if is_choice else settings != 0


def trained_recipes():
    """The recipes to train.

    Of recipes that differ only in the regularizer, the number of labels or the kind of noise, one is trained. On JAX,
    a recipe is trained if it has a setting that none of the earlier ones has: here TensorFlow trains the others, and
    what they are made of has tests of its own on both backends.
    """
    alike = ("cifar10_", "mnist_ladder-1000", "mnist_ladder-all", "mnist_ladder-noise", "mnist_ladder_10ep-all")
    chosen = ("vmt_all", "4000_gamma", "4000_vat_vmt_smooth", "all_full", "noise_gaussian_l2")
    seen = set()
    for name, recipe in recipes.RECIPES.items():
        if "_30ep-" in name or (name.startswith(alike) and not name.endswith(chosen)):  # they differ in their epochs
            continue
        found = set(leaves({key: value for key, value in recipe.settings().items() if key != "name"}))
        if keras.backend.backend() != "jax" or not found <= seen:
            yield name
        seen |= found


@pytest.mark.parametrize("name", trained_recipes())
def test_recipe_trains(name):
    assert all(np.isfinite(w).all() for w in weights_after_training(tiny(recipes.get(name)), num_steps=1))


@pytest.mark.parametrize("name", ["synthetic_mlp-vat", "synthetic_mlp-vmt_shift", "synthetic_mlp-dropout"])
def test_same_seed_gives_the_same_weights(name):
    recipe = tiny(recipes.get(name))
    first, second = (weights_after_training(recipe, num_steps=2) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_methods_with_the_same_seed_see_the_same_labels():
    dataset = tiny_dataset("mnist")
    names = ("mnist_ladder-100_full", "mnist_ladder-100_supervised", "mnist_ladder-100_adversarial")
    draws = [training_batches(tiny(recipes.get(name)), dataset, seed=3) for name in names]
    for batches in draws[1:]:
        np.testing.assert_array_equal(batches.x, draws[0].x)
    assert {type(batches).__name__ for batches in draws} == {"SemiSupervised", "Batches"}
    assert all(len(batches) == 2 for batches in draws)  # an epoch is as long with few labels as with all


def test_members_with_few_labels_have_the_same_ones_and_bootstrap_within_them():
    dataset = tiny_dataset("mnist")
    recipe = recipes.get("mnist_mlp-baseline").override({"num_labels": 20, "num_members": 2})
    first, second = (training_batches(recipe, dataset, seed, label_seed=3) for seed in member_seeds(recipe, 3))
    np.testing.assert_array_equal(first.x, second.x)
    assert np.any(first.x != training_batches(recipe, dataset, member_seeds(recipe, 3)[1]).x)
    drawn = training_batches(recipe.override({"bagging": True}), dataset, 1003, label_seed=3)
    rows, counts = np.unique(drawn.x.reshape(20, -1), axis=0, return_counts=True)
    assert len(drawn.x) == 20 and counts.max() > 1
    assert {row.tobytes() for row in rows} < {row.tobytes() for row in first.x.reshape(20, -1)}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"regularizers.vatt": {"epsilon": 1.0}}, "Did you mean 'vat'"),
        ({"regularizers.vat.epsilom": 1.0}, "Did you mean 'epsilon'"),
        ({"optimizer.name": "adamm"}, "Did you mean 'adam'"),
        ({"optimizer.momentum": 0.9}, "option of adam 'momentum'"),
        ({"optimizer.learning_rate": 0.9}, "option of adam 'learning_rate'"),
        ({"network.name": "mpl"}, "Did you mean 'mlp'"),
        ({"preprocessing": [{"name": "zca"}]}, "zca_whitening"),
    ],
)
def test_bad_parts_are_named_when_the_model_is_built(change, message):
    recipe = recipes.get("synthetic_mlp-vat").override(change)
    with pytest.raises(ValueError, match=message):
        build_model(recipe, tiny_dataset("synthetic"), 2, 0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"ladder.noise": 0.3}, "Did you mean 'noise_std'"),
        ({"ladder.adversarial_noise.label": 0.3}, "Did you mean 'labeled'"),
        ({"ladder.denoising_weights": [1.0]}, "denoising_weights must be a list of 7"),
        ({"network.rungs": [{"name": "dense", "units": 9}]}, "for 10 classes"),
    ],
)
def test_bad_parts_of_a_ladder_are_named_when_the_model_is_built(change, message):
    recipe = recipes.get("mnist_ladder-100_full").override(change)
    with pytest.raises(ValueError, match=message):
        build_model(recipe, tiny_dataset("mnist"), 2, 0)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the other backend is TensorFlow")
def test_building_a_model_on_jax_does_not_import_tensorflow():
    program = """
import sys
from zoo import datasets, recipes
from zoo.recipes.build import build_model
build_model(recipes.get("synthetic_mlp-dropout"), datasets.load("synthetic", seed=0), 50, seed=1)
assert "tensorflow" not in sys.modules
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_the_exponential_schedule_decays_in_stairs():
    recipe = recipes.get("mnist_mlp1200-vat_100")
    rate = build_optimizer(recipe, steps_per_epoch=240)._learning_rate
    steps = np.array([0, 499, 500, 49_919])
    np.testing.assert_allclose([float(rate(step)) for step in steps], 2e-3 * 0.9 ** (steps // 500), rtol=1e-5)


def test_early_stopping_watches_the_error():
    recipe = recipes.get("synthetic_mlp-early_stopping_error")
    dataset = tiny_dataset("synthetic")
    (stopping,) = build_callbacks(recipe, dataset, training_batches(recipe, dataset, 0))
    assert (stopping.monitor, stopping.mode, recipe.schedule) == ("val_accuracy", "max", "constant")


def test_statistics_come_from_the_inputs_of_the_training():
    dataset = tiny_dataset("mnist")
    few = tiny(recipes.get("mnist_mlp1200-vat_100")).override({"num_labels": 20, "unlabeled_batch_size": 25})
    (callback,) = build_callbacks(few, dataset, training_batches(few, dataset, 0))
    assert callback.batch_size == 25 and len(callback.x) == len(dataset.x_train) and not callback.unbiased
    ladder = tiny(recipes.get("mnist_ladder-100_full")).override({"num_labels": 20, "ladder.statistics_of": "labeled"})
    batches = training_batches(ladder, dataset, 0)
    (callback,) = build_callbacks(ladder, dataset, batches)
    assert callback.unbiased and callback.x is batches.x and len(callback.x) == 20
    supervised = tiny(recipes.get("mnist_ladder-100_supervised"))
    batches = training_batches(supervised, dataset, 0)
    (callback,) = build_callbacks(supervised, dataset, batches)
    assert callback.x is batches.x and len(callback.x) == 20 and not callback.unbiased
