"""Published models for the page, from their cards."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from trainers.page import commands
from trainers.page.analyses import analysis_facts
from trainers.results.tables import as_published
from zoo.pretrained.card import CARD_FILE, model_sum, read_card


def model_content(directory: pathlib.Path, analysis: Mapping[str, Any] | None) -> dict[str, Any]:
    """The card of a published model.

    Args:
        directory: of the SavedModel.
        analysis: content of the file of this name in `results/analysis`, or None. It is ignored if it describes another
            model.

    Raises:
        ValueError: the card is damaged or lacks a field.
    """
    card = read_card(directory)
    recipe = card.get("recipe")
    test = card["errors"].get("test")
    if analysis and analysis.get("sha256") != model_sum(card):
        analysis = None
    return {
        "anchor": f"model-{card['name']}",
        "name": card["name"],
        "headline": "not measured" if test is None else f"test error {test:.2f} %",
        "facts": [*facts_of(card), *(analysis_facts(analysis) if analysis else [])],
        "command": commands.of_model(card, analysis is not None),
        "python": f'model = zoo.load("{card["name"]}")',
        "settings": json.dumps(recipe, indent=1, ensure_ascii=False) if recipe else "",
    }


def facts_of(card: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Terms and values of a card."""
    recipe, training, published = card.get("recipe") or {}, card.get("training") or {}, card.get("published_error")
    facts = [(f"{split} error", f"{error:.2f} %") for split, error in card["errors"].items()]
    facts.append(("published", "–" if published is None else f"{as_published(published)} % ({card.get('source', '')})"))
    facts += [("parameters", f"{card['num_parameters']:,}"), ("input", str(tuple(card["input_shape"])))]
    if {"epochs", "seconds", "device"} <= training.keys():
        facts.append(("trained", f"{training['epochs']} epochs, {training['seconds']:,.0f} s, {training['device']}"))
    facts += [(key, card[key]) for key in ("seed", "exported") if key in card]
    return facts + ([("notes", recipe["notes"])] if recipe.get("notes") else [])


def models_content(
    directory: str | pathlib.Path, analyses: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """The cards of all models in a folder.

    Args:
        directory: folder of published models.
        analyses: from `read_analyses`.

    Returns:
        The cards, and the names of subfolders without a card.
    """
    directory = pathlib.Path(directory)
    folders = sorted(path for path in directory.glob("[!.]*") if path.is_dir())
    with_card = [path for path in folders if (path / CARD_FILE).is_file()]
    models = [model_content(path, analyses.get(path.name)) for path in with_card]
    return models, [path.name for path in folders if path not in with_card]
