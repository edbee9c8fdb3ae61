"""The headline of the page: the table of methods and data sets, and what the zoo has in numbers."""

from collections.abc import Collection, Mapping
from typing import Any

from trainers.results.method_table import METHODS, Figure, MethodTable
from trainers.results.statistics import as_mean_and_spread, mean_and_spread
from trainers.results.tables import as_published


def headline_content(methods: MethodTable, models: Collection[str]) -> dict[str, Any] | None:
    """The table of methods: test errors next to the published ones, error under attack, step time.

    Args:
        methods: results, analyses and step times.
        models: names of the models that have a card on the page.

    Returns:
        The content; None if no method has results.
    """
    datasets = sorted(methods.columns, key=lambda column: column == "synthetic")  # readers look for images first
    rows = [
        {
            "label": METHODS[method],
            "anchor": anchor_of(methods, method, models),
            "cells": [
                *(error_cell(methods.figure(column, method)) for column in datasets),
                attack_cell(methods, method),
                step_cell(methods.step_ratio(method)),
            ],
        }
        for method in methods.methods
    ]
    if not rows:
        return None
    columns = ["method", *datasets, "under attack", "step time"]
    return {"columns": columns, "rows": rows, "notes": [methods.about_attack(), methods.about_steps()]}


def error_cell(figure: Figure | None) -> dict[str, Any] | None:
    """A cell with our error, its seeds and the published error; None without results."""
    if figure is None:
        return None
    number = len(figure.errors)
    seeds = "1 seed" if number == 1 else f"{number} seeds"
    published = "" if figure.published is None else f"published {as_published(figure.published)}, "
    text = as_mean_and_spread(figure.errors)
    return {
        "text": text,
        "small": published + seeds,
        "sort": mean_and_spread(figure.errors)[0],
        "bold": figure.is_better,
    }


def attack_cell(methods: MethodTable, method: str) -> dict[str, Any] | None:
    """A cell with the error under attack of the published model; None if it was not measured."""
    attacked = methods.attacked(method)
    return attacked and {"text": f"{attacked.error:.1f}", "small": "1 seed", "sort": attacked.error, "bold": False}


def step_cell(ratio: float | None) -> dict[str, Any] | None:
    """A cell with the time of a training step; None if it was not measured."""
    return None if ratio is None else {"text": f"{ratio:.1f} ×", "small": "", "sort": ratio, "bold": False}


def anchor_of(methods: MethodTable, method: str, models: Collection[str]) -> str:
    """The anchor of a method's card: that of a published model, else that of the runs of a recipe.

    Args:
        methods: results.
        method: which has results.
        models: names of the models that have a card on the page.
    """
    order = sorted(methods.columns, key=lambda column: column == "synthetic")
    names = [name for column in order for name in methods.names(column, method)]
    return next((f"model-{name}" for name in names if name in models), f"recipe-{names[0]}")


def numbers(results: Mapping[str, Mapping[str, Any]], num_models: int) -> list[tuple[str, str]]:
    """What the zoo has: numbers and what they count.

    Args:
        results: `{recipe name: content of its file}`.
        num_models: number of published models.
    """
    runs = sum(len(content["seeds"]) for content in results.values())
    datasets = len({content["recipe"]["dataset"] for content in results.values()})
    counts = {"recipes with results": len(results), "training runs": runs, "pretrained models": num_models}
    return [(f"{count:,}", name) for name, count in {**counts, "data sets": datasets}.items() if count]
