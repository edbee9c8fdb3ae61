"""The index of published SavedModels."""

import pytest

from trainers.results.publishing import write_index
from zoo import recipes
from zoo.pretrained.card import write_card

RECIPE = recipes.get("mnist_ladder-all_adversarial")
CARD = {"name": RECIPE.name, "errors": {"test": 1.234}, "num_parameters": 1200, "input_shape": [3], "model": {}}


def cells(folder, card):
    """The cells of a card's row."""
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_bytes(bytes(2**20))
    write_card(folder / "model", card)
    text = write_index(folder)
    assert (folder / "README.md").read_text() == text
    row = next(line for line in text.splitlines() if RECIPE.name in line)
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_name_errors_parameters_and_size(tmp_path):
    card = {**CARD, "recipe": RECIPE.as_dict(), "published_error": RECIPE.published_error}
    assert cells(tmp_path, card) == [f"`{RECIPE.name}`", "1.23", "0.557", "1,200", "1.0"]


@pytest.mark.parametrize("errors", [{}, {"train": 0.5}])
def test_a_card_without_recipe_and_test_error(tmp_path, errors):
    assert cells(tmp_path, {**CARD, "errors": errors})[:3] == [f"`{RECIPE.name}`", "–", "–"]


def test_changed_settings_are_named(tmp_path):
    assert cells(tmp_path, {**CARD, "recipe": RECIPE.override({"epochs": 2}).as_dict()})[0].endswith("with epochs=2")
