"""The list of recipes: groups, errors, stars."""

import itertools
import json

import pytest

from trainers.cli import recipe_list
from trainers.cli.recipe_list import LINE, recipe_facts
from zoo import recipes


@pytest.fixture
def facts(tmp_path, monkeypatch):
    """The facts with two seeds of VAT and one pretrained model."""
    recipe = recipes.get("synthetic_mlp-vat")
    figures = {"errors": {"test": 1.0}, "epochs": 1, "seconds_per_epoch": 1.0}
    seeds = {"0": figures, "1": {**figures, "errors": {"test": 2.0}}}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x.json").write_text(json.dumps({"recipe": recipe.as_dict(), "seeds": seeds}))
    changed = recipes.get("synthetic_mlp-baseline").override({"epochs": 1})
    (tmp_path / "results" / "y.json").write_text(json.dumps({"recipe": changed.as_dict(), "seeds": seeds}))
    monkeypatch.setattr(recipe_list, "list_models", lambda remote: ["mnist_mlp-vat"] if remote else [])
    return recipe_facts(f"{tmp_path}/results")


def test_the_list_has_every_recipe_once_grouped_by_data_set(facts):
    assert facts.keys() == recipes.RECIPES.keys()
    datasets = [fact["dataset"] for fact in facts.values()]
    assert len(list(itertools.groupby(datasets))) == len(set(datasets))
    words = recipe_list.recipe_list(facts).split()
    assert all(words.count(name) == 1 for name in facts)
    assert all(words.count(dataset.upper()) == 1 for dataset in set(datasets))


def test_our_error_stands_next_to_the_published_one(facts):
    lines = recipe_list.recipe_list(facts).splitlines()
    assert LINE.format(star=" ", name="synthetic_mlp-vat", ours="1.50 ± 0.71 (2)", published="0.76") in lines
    assert LINE.format(star="*", name="mnist_mlp-vat", ours="–", published="0.64") in lines
    assert sum(line.startswith("  * ") for line in lines) == 1
    assert facts["synthetic_mlp-vat"]["errors"] == {0: 1.0, 1: 2.0} and facts["mnist_mlp-vat"]["pretrained"]
    assert facts["synthetic_mlp-baseline"]["errors"] == {}  # those are of other settings
