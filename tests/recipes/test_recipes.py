"""Recipes as data."""

import dataclasses
import json

import pytest

from zoo import recipes
from zoo.recipes.recipe import LATER


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
    rows["mnist_ladder"].append("all_supervised")
    assert published >= {f"{family}-{row}" for family, names in rows.items() for row in names}
    assert not published & {"mnist_ladder-100_supervised", "mnist_ladder-1000_supervised"}  # not checked in the paper


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


def test_fields_that_came_later_leave_digests_alone():
    settings = recipes.get("synthetic_mlp-baseline").settings()
    assert not set(LATER) & set(settings)
    assert {field.name: field.default for field in dataclasses.fields(recipes.Recipe)}.items() >= LATER.items()
    changed = {"decay_rate": 0.5, "early_stopping_monitor": "error"}
    assert recipes.get("synthetic_mlp-baseline").override(changed).settings() == {**settings, **changed}


def test_a_recipe_and_its_reference_differ_in_the_ladder_and_the_epochs_of_the_name_alone():
    named = [recipe for recipe in recipes.RECIPES.values() if recipe.published_reference]
    assert len(named) >= 6
    for recipe in named:
        reference = recipes.get(recipe.published_reference["recipe"])
        changed = {"ladder": reference.ladder, "name": reference.name}
        if recipe.name.endswith("ep"):
            changed |= {"epochs": reference.epochs, "decay_start": reference.decay_start}
        assert recipe.override(changed).settings() == reference.settings()
        assert "published_reference" not in recipe.settings()
        assert recipe.override({"name": "mine"}).published_reference == {}
