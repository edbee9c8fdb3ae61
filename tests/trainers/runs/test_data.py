"""The data of runs and of published models."""

import keras
import numpy as np
import pytest

import zoo
from trainers.runs.data import load_data, load_own_data, splits
from zoo import recipes

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="does not depend on the backend")
RECIPE = recipes.get("synthetic_mlp-early_stopping")
CARD = {"name": "own", "recipe": RECIPE.as_dict(), "seed": 3, "input_shape": [100]}


def test_splits_are_those_of_the_recipe_and_the_seed():
    data = load_data(RECIPE, 3)
    found = splits(data)
    assert list(found) == ["test", "train", "validation"] and len(found["validation"][0]) == RECIPE.num_validation
    for split, (x, y) in found.items():
        assert x is getattr(data, f"x_{split}") and y is getattr(data, f"y_{split}")
    assert list(splits(load_data(RECIPE.override({"early_stopping_patience": 0, "num_validation": 0}), 3))) == [
        "test",
        "train",
    ]


def test_a_model_has_the_splits_of_its_training():
    expected, found = splits(load_data(RECIPE, 3)), splits(load_own_data(CARD))
    for split in expected:
        np.testing.assert_array_equal(found[split][0], expected[split][0])


def test_a_card_without_a_data_set_needs_a_name():
    card = {"name": "own", "input_shape": [100]}
    with pytest.raises(ValueError, match="The card of own names no data set. Choose one with --dataset."):
        load_own_data(card)
    np.testing.assert_array_equal(load_own_data(card, "synthetic").x_test, zoo.datasets.load("synthetic").x_test)


def test_inputs_of_another_shape_are_refused():
    message = r"own takes inputs of shape \(7,\), but synthetic has inputs of shape \(100,\)"
    with pytest.raises(ValueError, match=message):
        load_own_data({**CARD, "input_shape": [7]})
