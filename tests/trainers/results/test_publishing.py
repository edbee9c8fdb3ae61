"""The index of published SavedModels, and the robust errors on their cards."""

import pytest

from trainers.results.publishing import add_robust_errors, write_index
from zoo import recipes
from zoo.pretrained.card import model_sum, read_card, write_card

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
    assert cells(tmp_path, card) == [f"`{RECIPE.name}`", "1.23", "0.557", "–", "1,200", "1.0"]


@pytest.mark.parametrize("errors", [{}, {"train": 0.5}])
def test_a_card_without_recipe_and_test_error(tmp_path, errors):
    assert cells(tmp_path, {**CARD, "errors": errors})[:3] == [f"`{RECIPE.name}`", "–", "–"]


SETTINGS = {"attack": "autoattack", "size": 0.1, "num_examples": 1000, "input_range": [0.0, 1.0]}
ENTRY = {"error": 12.34, "standard_error": 1.5, "date": "2026-01-02", "settings": SETTINGS}


def test_a_robust_error_is_added_to_the_card_of_the_same_model(tmp_path):
    cells(tmp_path, CARD)
    before, bytes_before = read_card(tmp_path / "model"), (tmp_path / "model" / "weights").read_bytes()
    for sha256, number in (("0", 0), (model_sum(before), 1), (model_sum(before), 0)):
        assert add_robust_errors(tmp_path, {RECIPE.name: {"sha256": sha256, "errors": {"autoattack": ENTRY}}}) == number
    card = read_card(tmp_path / "model")
    robust = card.pop("robust_error")
    assert robust == {
        "error": 12.34,
        "standard_error": 1.5,
        "attack": "autoattack",
        "norm": "linf",
        "epsilon": 0.1,
        "input_range": [0.0, 1.0],
        "num_examples": 1000,
        "date": "2026-01-02",
    }
    assert model_sum(card) == model_sum(before) and (tmp_path / "model" / "weights").read_bytes() == bytes_before
    assert "12.3 (n = 1000, ε = 0.1)" in (tmp_path / "README.md").read_text()
    assert add_robust_errors(tmp_path, {}) == 0  # a card keeps its error without the analysis
    assert read_card(tmp_path / "model")["robust_error"] == robust


def test_changed_settings_are_named(tmp_path):
    assert cells(tmp_path, {**CARD, "recipe": RECIPE.override({"epochs": 2}).as_dict()})[0].endswith("with epochs=2")
