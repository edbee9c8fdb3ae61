"""Searches as data: valid ones, invalid ones, and that the ready-made ones fit their recipes."""

import json

import keras
import pytest

from zoo import recipes, regularizers
from zoo.recipes.search import Search, ends, grid
from zoo.recipes.searches import SEARCHES

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="nothing here depends on the backend")
EPSILON = "regularizers.vat.epsilon"
SEARCHED = [name for name, recipe in recipes.RECIPES.items() if recipe.search]


def value_at(recipe, path):
    """The value of a field; a hyperparameter that the recipe does not name has its default."""
    methods = {name: regularizers.build({name: options}).get_config() for name, options in recipe.regularizers.items()}
    value = {**recipe.as_dict(), "regularizers": methods}
    for key in path.split("."):
        value = value[key]
    return value


@pytest.mark.parametrize("name", SEARCHED)
def test_a_recipe_has_one_of_the_values_that_were_tried(name):
    recipe = recipes.get(name)
    for path, domain in Search.from_data(recipe.search).space.items():
        assert value_at(recipe, path) in domain["values"]


def test_a_search_describes_a_recipe_and_does_not_change_it():
    recipe = recipes.get("synthetic_mlp-vat")
    other = recipe.override({"search": grid(EPSILON, [0.1, 7.0])})
    assert other.search != recipe.search and other.digest() == recipe.digest()
    with pytest.raises(ValueError, match="Did you mean 'grid'"):
        recipe.override({"search.engine": "gird"})


@pytest.mark.parametrize("name", SEARCHES)
def test_ready_made_searches_fit_recipes(name):
    search = Search.from_data(json.loads(json.dumps(SEARCHES[name])))
    method = "mnist_ladder-100_adversarial" if "thesis" in name else f"synthetic_mlp-{name.split('_')[-1]}"
    recipe = next(recipe for key, recipe in recipes.RECIPES.items() if key.startswith(method))
    for path, domain in search.space.items():
        for value in ends(domain):
            assert value_at(recipe.override({path: value}), path) == value


def test_grids_of_the_thesis_have_the_values_that_its_recipes_chose():
    for name, grid_name in [("100", "thesis_dense"), ("1000", "thesis_dense"), ("all", "thesis_sign")]:
        recipe = recipes.get(f"mnist_ladder-{name}_adversarial")
        for path, domain in SEARCHES[grid_name]["space"].items():
            assert value_at(recipe, path) in domain["values"]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "space must name at least one recipe field and its values, received {}"),
        ({"spce": {}}, "Unknown key of search 'spce'. Did you mean 'space'"),
        ({"space": {"a": {"values": [1]}}, "engine": "baysian"}, "Unknown engine 'baysian'. Did you mean 'bayesian'"),
        ({"space": {"a": {"values": [1]}}, "num_trials": 0}, "num_trials must be at least 1, received 0"),
        ({"space": {"a": {"values": [1]}}, "num_seeds": None}, "num_seeds must be an integer, received None"),
        ({"space": {"a": {"values": [1]}}, "seed": -1}, "seed must be at least 0, received -1"),
        ({"space": {"a": [1, 2]}}, r"The space of a must be .* received \[1, 2\]"),
        ({"space": {"a": {"value": [1]}}}, "Unknown key in the space of a 'value'. Did you mean 'values'"),
        ({"space": {"a": {"values": []}}}, "values of a must be a list of different values"),
        ({"space": {"a": {"values": [1, 2, 1]}}}, r"a list of different values.*\[1, 2, 1\]"),
        ({"space": {"a": {"values": [1], "min": 0}}}, "without other keys, received"),
        ({"space": {"a": {"max": 1}}}, "min of a must be a number, received None"),
        ({"space": {"a": {"min": 2.0, "max": 1.0}}}, "max of a must be above 2.0, received 1.0"),
        ({"space": {"a": {"min": 0.0, "max": 1.0, "sampling": "log"}}}, "min of a, .* must be above 0, received 0.0"),
        ({"space": {"a": {"min": 1, "max": 2, "sampling": "lag"}}}, "Did you mean 'log'"),
    ],
)
def test_bad_searches_are_refused(settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Search.from_data(settings)
