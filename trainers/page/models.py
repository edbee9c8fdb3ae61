"""Published models as the page takes them, from their cards and the files of their analysis."""

import json
import pathlib

from trainers.page import commands
from trainers.run import read_json
from zoo.card import CARD_FILE, read_card

ON_EVERY_CARD = ("name", "errors", "num_parameters", "input_shape")


def model_content(directory, analysis):
    """The card of a published model.

    Args:
        directory: of the SavedModel.
        analysis: the content of its file in `results/analysis`, or None.

    Raises:
        ValueError: the card is damaged or lacks a field.
    """
    card = read_card(directory)
    missing = [field for field in ON_EVERY_CARD if field not in card]
    if missing:
        raise ValueError(f"{directory / CARD_FILE} lacks {', '.join(missing)}: it is no card of this zoo.")
    recipe, training, published = card.get("recipe"), card.get("training") or {}, card.get("published_error")
    facts = [(f"{split} error", f"{error:.2f} %") for split, error in card["errors"].items()]
    facts += [("published", "–" if published is None else f"{published:.2f} % ({card.get('source', '')})")]
    facts += [("parameters", f"{card['num_parameters']:,}"), ("input", str(tuple(card["input_shape"])))]
    facts += [("trained", f"{training['epochs']} epochs, {training['seconds']:,.0f} s, {training['device']}")] * bool(
        {"epochs", "seconds", "device"} <= training.keys()
    )
    facts += [(key, card[key]) for key in ("seed", "exported") if key in card]
    facts += [("notes", recipe["notes"])] if recipe and recipe.get("notes") else []
    facts += analysis_facts(analysis) if analysis else []
    test = card["errors"].get("test")
    return {
        "anchor": f"model-{card['name']}",
        "name": card["name"],
        "headline": "not measured" if test is None else f"test error {test:.2f} %",
        "facts": facts,
        "command": commands.of_model(card, analysis is not None),
        "python": f'model = zoo.load("{card["name"]}")',
        "settings": json.dumps(recipe, indent=1, ensure_ascii=False) if recipe else "",
    }


def models_content(directory, analyses):
    """The cards of all models in a folder, and the names of the folders in it that have none."""
    directory = pathlib.Path(directory)
    folders = sorted(path for path in directory.glob("[!.]*") if path.is_dir())
    with_card = [path for path in folders if (path / CARD_FILE).is_file()]
    models = [model_content(path, analyses.get(path.name)) for path in with_card]
    return models, [path.name for path in folders if path not in with_card]


def read_analyses(directory):
    """`{model name: content}` of the files in `results/analysis`; empty where there are none.

    Raises:
        ValueError: a file is damaged or holds something else; with its name.
    """
    analyses = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        content = read_json(path)
        try:
            for measured, key in ((content["errors"], "error"), (content["measures"], "value")):
                assert all(isinstance(each[key], (int, float)) for each in measured.values())
            analyses[content["model"]] = content
        except (KeyError, TypeError, AttributeError, AssertionError) as error:
            raise ValueError(f"{path} holds no analysis of a model ({error!r}). Remove it from the folder.") from error
    return analyses


def measured(entry, key):
    """A value with its standard error, to the digits that this leaves."""
    value, error = entry[key], entry.get("standard_error")
    text = f"{value:.2f}" if key == "error" else f"{value:.3g}"
    return text if error is None else f"{text} ± {error:.2g}"


def analysis_facts(analysis):
    """Terms and values for a model's card."""
    facts = [(f"error, {name}", f"{measured(entry, 'error')} %") for name, entry in analysis["errors"].items()]
    return facts + [(name, measured(entry, "value")) for name, entry in analysis["measures"].items()]


def analysis_tables(analyses, models):
    """Tables of all models, of errors under each setting and of each measure, one data set a table."""
    anchors, tables = {model["name"]: model["anchor"] for model in models}, []
    for dataset in dict.fromkeys(content.get("dataset", "") for content in analyses.values()):
        of_set = {name: content for name, content in analyses.items() if content.get("dataset", "") == dataset}
        for part, key, what in (("errors", "error", "errors in per cent"), ("measures", "value", "measures")):
            columns = list(dict.fromkeys(column for content in of_set.values() for column in content[part]))
            rows = [
                {
                    "anchor": anchors.get(name),
                    "cells": [
                        f"`{name}`" if name in anchors else name,
                        *(measured(content[part][c], key) if c in content[part] else "–" for c in columns),
                    ],
                }
                for name, content in of_set.items()
            ]
            if columns:
                tables.append({"title": f"{dataset}: {what}", "columns": ["model", *columns], "rows": rows})
    return tables


def analysis_settings(analyses):
    """A line for each setting in which errors were measured, such as an attack's strength, where files give it."""
    settings = {
        (content.get("dataset", ""), name, str(entry["settings"])): content.get("num_examples", "–")
        for content in analyses.values()
        for name, entry in content["errors"].items()
        if entry.get("settings")
    }
    return [f"{dataset}, {name}: {text}; {count} examples" for (dataset, name, text), count in settings.items()]
