"""Exports of runs: a sound model of the same run stays, every other one is replaced."""

import dataclasses

import pytest

from trainers.runs import places
from zoo import recipes
from zoo.pretrained.card import CARD_FILE, read_card, write_card

RECIPE = recipes.get("synthetic_mlp-vat")
RESULT = {"seed": 1, "epochs": 100, "seconds": 2.5, "backend": "jax", "device": "CPU", "versions": {"keras": "3"}}
FACTS = {"name": RECIPE.name, "errors": {"test": 1.0}, "num_parameters": 12, "input_shape": [3], "model": {}}


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Publishes a run; returns the number of exports until then."""
    exports = []

    def export(model, folder, card, **_):
        exports.append(folder)
        folder.mkdir(exist_ok=True)
        (folder / "weights").write_text(str(len(exports)))
        return write_card(folder, {**FACTS, **card})

    monkeypatch.setattr(places.pretrained, "export", export)
    monkeypatch.setattr(places, "splits", lambda dataset: {})

    def call(recipe=RECIPE, **changes):
        folder, card = places.publish(recipe, {**RESULT, **changes}, None, None, tmp_path)
        assert card == read_card(folder)
        return len(exports)

    return call


def test_a_model_of_the_same_run_keeps_its_files_and_its_robust_error(publish, tmp_path):
    assert publish() == 1
    folder = tmp_path / RECIPE.name
    write_card(folder, {**read_card(folder), "robust_error": {"error": 9.0, "num_examples": 5, "epsilon": 0.1}})
    told = dataclasses.replace(RECIPE, notes="news")
    assert publish(told) == 1
    card = read_card(folder)
    assert card["robust_error"]["error"] == 9.0 and card["recipe"]["notes"] == "news"


@pytest.mark.parametrize("changes", [{"seed": 2}, {"seconds": 2.6}, {"recipe": RECIPE.override({"epochs": 3})}])
def test_another_run_replaces_the_model(publish, changes):
    assert publish() == 1 and publish(**changes) == 2


@pytest.mark.parametrize("file", [CARD_FILE, "weights"])
def test_a_damaged_model_is_replaced(publish, tmp_path, file):
    assert publish() == 1
    (tmp_path / RECIPE.name / file).write_text("{")
    assert publish() == 2
