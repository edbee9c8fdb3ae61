"""Recipes as data, and the models and batches built from them."""

import dataclasses
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from zoo import recipes
from zoo.datasets import Dataset
from zoo.recipes.build import build_callbacks, build_model, combine, label_targets, member_seeds, training_batches
from zoo.recipes.optimization import build_optimizer
from zoo.recipes.recipe import LATER

SHAPES = {"synthetic": (100,), "mnist": (28, 28, 1), "cifar10": (32, 32, 3)}


def tiny_dataset(name, num_examples=40):
    rng = np.random.default_rng(0)
    shape = (num_examples, *SHAPES[name])
    x = rng.normal(size=shape).astype("float32") if name == "synthetic" else rng.integers(0, 256, shape, dtype="uint8")
    num_classes = 2 if name == "synthetic" else 10
    y = np.arange(num_examples, dtype="int32") % num_classes
    return Dataset(name, x, y, x, y, num_classes, x, y)


def tiny(recipe):
    """The recipe with narrow layers and two steps in its only epoch."""
    changes = {"epochs": 1, "batch_size": 20, "num_members": min(recipe.num_members, 2)}
    if recipe.unlabeled_batch_size:
        changes["unlabeled_batch_size"] = 20
    if recipe.network["name"] == "mlp":
        changes["network.hidden_units"] = [8] * len(recipe.network["hidden_units"])
    for index, rung in enumerate(recipe.network.get("rungs", ())):
        for width in {"units", "filters"} & rung.keys() if 10 not in rung.values() else ():
            changes[f"network.rungs.{index}.{width}"] = 4
    if recipe.num_labels:
        changes["num_labels"] = 20
    # Whitening has its own test, and takes long at this size.
    changes["preprocessing"] = [step for step in recipe.preprocessing if step["name"] != "zca_whitening"]
    return recipe.override(changes)


def weights_after_training(recipe):
    """Trains eagerly: the programs of dozens of recipes take minutes to trace, and one step runs in milliseconds."""
    dataset = tiny_dataset(recipe.dataset)
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
    assert model(dataset.x_test).shape == (40, dataset.num_classes)
    return model.network.get_weights()


# Of recipes that differ only in the regularizer, the number of labels or the kind of noise, one is trained.
ALIKE = ("cifar10_", "mnist_ladder-1000", "mnist_ladder-all", "mnist_ladder-noise")
CHOSEN = ("vmt_all", "4000_gamma", "4000_vat_vmt_smooth", "all_full", "noise_gaussian_l2")
TRAINED = [
    name
    for name in recipes.RECIPES
    if "_30ep-" not in name and (not name.startswith(ALIKE) or name.endswith(CHOSEN))  # they differ in their epochs
]


@pytest.mark.parametrize("name", TRAINED)
def test_recipe_trains(name):
    assert all(np.isfinite(w).all() for w in weights_after_training(tiny(recipes.get(name))))


@pytest.mark.parametrize("name", ["synthetic_mlp-vat", "synthetic_mlp-vmt_shift", "synthetic_mlp-dropout"])
def test_same_seed_gives_the_same_weights(name):
    recipe = tiny(recipes.get(name))
    first, second = weights_after_training(recipe), weights_after_training(recipe)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_recipe_is_data_and_named_after_its_data_set_and_network(name):
    recipe = recipes.get(name)
    assert recipes.Recipe(**json.loads(json.dumps(recipe.as_dict()))).as_dict() == recipe.as_dict()
    assert name == recipe.name and name.startswith(f"{recipe.dataset}_")
    assert ("ladder" if recipe.ladder else recipe.network["name"]) in name.split("-")[0]
    assert recipe.source and "notes" not in recipe.settings()


def test_every_published_row_of_the_tables_is_there():
    published = {name for name, recipe in recipes.RECIPES.items() if recipe.published_error is not None}
    rows = {
        "synthetic_mlp": ["baseline", "dropout", "at_linf", "at_l2", "vat", "vmt_shift"],
        "mnist_mlp": ["baseline", "dropout", "at_linf", "at_l2", "vat", "vmt_shift", "vmt_rotation", "vmt_scale"],
        "mnist_ladder": ["50_full", "100_adversarial", "1000_adversarial", "all_adversarial", "all_adversarial_both"],
        "mnist_conv_fc_ladder": ["100_full"],
        "mnist_conv_small_ladder": ["100_gamma", "100_supervised", "100_gamma_adversarial"],
        "cifar10_conv_ladder": ["4000_gamma", "4000_supervised", "4000_gamma_adversarial"],
        "cifar10_conv_small": ["baseline", "at_l2", "vat", "vmt_shift", "vmt_rotation", "vmt_scale", "vmt_all"],
    }
    rows["mnist_ladder"] += [f"{labels}_{row}" for labels in (100, 1000, "all") for row in ("full", "bottom", "gamma")]
    assert published >= {f"{family}-{row}" for family, names in rows.items() for row in names}


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


def test_override_reaches_every_depth_and_leaves_the_original():
    recipe = recipes.get("synthetic_mlp-vat")
    changed = recipe.override({"epochs": 3, "regularizers.vat.epsilon": 0.25, "optimizer.beta_1": 0.5})
    assert (changed.epochs, changed.regularizers["vat"]["epsilon"], changed.optimizer["beta_1"]) == (3, 0.25, 0.5)
    assert recipe.epochs == 100 and "beta_1" not in recipe.optimizer
    assert changed.published_error == recipe.published_error
    assert recipe.override({"name": "mine"}).published_error is None
    assert recipe.override({"dataset": "mnist"}).published_error is None
    assert recipe.override({"dataset": "synthetic"}).published_error == recipe.published_error
    mnist = recipes.get("mnist_mlp-vat").override({"preprocessing.0.scale": 1.0})
    assert mnist.preprocessing[0]["scale"] == 1.0


@pytest.mark.parametrize(
    "assignments, message",
    [
        ({"epoch": 3}, "'epochs'"),
        ({"epochs": 0}, "epochs must be at least 1, received 0"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0, received -1.0"),
        ({"schedule": "cosin"}, "'cosine'"),
        ({"decay_start": 1.5}, "decay_start must be at least 0 and at most 1, received 1.5"),
        ({"ladder": {"denoising_weights": [1.0]}}, "A ladder takes no regularizers, received 'vat'"),
        ({"epochs.x": 1}, "'epochs.x'"),
        (
            {"preprocessing.0.scale": 3},
            "'preprocessing.0.scale' leads into a list of 0: it has no places, received '0'",
        ),
        ({"published_error": 101.0}, "published_error must be at least 0 and at most 100, received 101.0"),
        ({"early_stopping_patience": 3, "num_validation": 0}, "num_validation"),
        ({"penalty_inputs": "unlabeled"}, 'penalty_inputs="unlabeled" needs unlabeled_batch_size above 0, received 0'),
    ],
)
def test_bad_override_names_what_is_wrong(assignments, message):
    with pytest.raises(ValueError, match=message):
        recipes.get("synthetic_mlp-vat").override(assignments)


def test_unknown_recipe_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'mnist_mlp-vat'"):
        recipes.get("mnist_mlp_vat")


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


def test_fields_that_came_later_leave_digests_alone():
    settings = recipes.get("synthetic_mlp-baseline").settings()
    assert not set(LATER) & set(settings)
    assert {field.name: field.default for field in dataclasses.fields(recipes.Recipe)}.items() >= LATER.items()
    changed = {"decay_rate": 0.5, "early_stopping_monitor": "error"}
    assert recipes.get("synthetic_mlp-baseline").override(changed).settings() == {**settings, **changed}


def test_early_stopping_watches_the_error():
    recipe = recipes.get("synthetic_mlp-early_stopping_error")
    dataset = tiny_dataset("synthetic")
    (stopping,) = build_callbacks(recipe, dataset, training_batches(recipe, dataset, 0))
    assert (stopping.monitor, stopping.mode, recipe.schedule) == ("val_accuracy", "max", "constant")


def test_statistics_come_from_batches_of_unlabeled_inputs_or_from_labeled_ones():
    dataset = tiny_dataset("mnist")
    few = tiny(recipes.get("mnist_mlp1200-vat_100")).override({"num_labels": 20, "unlabeled_batch_size": 25})
    (callback,) = build_callbacks(few, dataset, training_batches(few, dataset, 0))
    assert callback.batch_size == 25 and len(callback.x) == len(dataset.x_train) and not callback.unbiased
    ladder = tiny(recipes.get("mnist_ladder-100_full")).override({"num_labels": 20, "ladder.statistics_of": "labeled"})
    batches = training_batches(ladder, dataset, 0)
    (callback,) = build_callbacks(ladder, dataset, batches)
    assert callback.unbiased and callback.x is batches.x and len(callback.x) == 20


def test_a_recipe_and_its_reference_differ_in_the_ladder_alone():
    named = [recipe for recipe in recipes.RECIPES.values() if recipe.published_reference]
    assert len(named) >= 6
    for recipe in named:
        reference = recipes.get(recipe.published_reference["recipe"])
        changed = {"ladder": reference.ladder, "name": reference.name}
        assert recipe.override(changed).settings() == reference.settings()
        assert "published_reference" not in recipe.settings()
        assert recipe.override({"name": "mine"}).published_reference == {}
