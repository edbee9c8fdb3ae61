"""Tables and runs for the page, from results files."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from trainers.page import commands
from trainers.page.drawing import Pictures
from trainers.results.files import read_json
from trainers.results.store import check_content
from trainers.results.tables import COLUMNS, TABLES, cells, label, parts, rows_of, shortfalls
from trainers.runs.workdir import RESULT_FILE, RUN_FILE
from zoo.recipes import RECIPES

SEED_COLUMNS = ("seed", "test error", "train", "validation", "epochs", "s per epoch", "on")
Content = Mapping[str, Any]  # of the results file of a recipe


def number(value: float | None, digits: int = 2) -> str:
    """Formats a number for a cell; a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def table_content(
    key: str, results: Mapping[str, Content], pictures: Pictures, names: Sequence[str]
) -> dict[str, Any] | None:
    """One table with its pictures; None if no recipe of the table has results.

    Args:
        key: of `TABLES`.
        results: `{recipe name: content of its file}`.
        pictures: of results, from `drawn_pictures`.
        names: of the pictures to show.
    """
    title = TABLES[key][0]
    columns, contents, reference = parts(key, results)
    if not contents:
        return None
    return {
        "key": key,
        "title": title,
        "columns": columns,
        "rows": [
            {"anchor": anchor(content), "cells": row}
            for content, row in zip(contents, rows_of(contents, reference), strict=True)
        ],
        "shortfalls": shortfalls(contents).strip(),
        "command": commands.of_table(key, contents),
        "pictures": [pictures[name, key] for name in names if (name, key) in pictures],
    }


def anchor(content: Content) -> str:
    """The anchor of the card of a recipe."""
    return f"recipe-{content['recipe']['name']}"


def recipe_content(content: Content) -> dict[str, Any]:
    """The card of a recipe with the figures of every seed."""
    recipe = content["recipe"]
    return {
        "anchor": anchor(content),
        "label": label(recipe),
        "headline": dict(zip(COLUMNS, cells(content, None), strict=True))["ours"] + " %",
        "notes": recipe.get("notes", ""),
        "command": commands.of_recipe(content),
        "columns": SEED_COLUMNS,
        "rows": [{"anchor": None, "cells": seed_cells(seed, run)} for seed, run in content["seeds"].items()],
        "settings": json.dumps(recipe, indent=1, ensure_ascii=False),
    }


def seed_cells(seed: str, run: Mapping[str, Any]) -> list[Any]:
    """The cells of a seed under `SEED_COLUMNS`."""
    found = [number(run["errors"].get(split)) for split in ("test", "train", "validation")]
    versions = (f"{name} {version}" for name, version in run.get("versions", {}).items())
    where = ", ".join([run.get("device", "–"), *versions])
    return [seed, *found, run.get("epochs", "–"), number(run["seconds_per_epoch"], 3), where]


def run_content(workdir: str | pathlib.Path) -> dict[str, Content]:
    """The results of one run in the form of a results folder.

    Args:
        workdir: of the run.

    Returns:
        `{recipe name: content}`.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        ValueError: a file is damaged, or not from a run.
    """
    workdir = pathlib.Path(workdir)
    if not (workdir / RUN_FILE).is_file() or not (workdir / RESULT_FILE).is_file():
        raise FileNotFoundError(f"{workdir} holds no finished run: {RUN_FILE} or {RESULT_FILE} is missing.")
    run, result = read_json(workdir / RUN_FILE), read_json(workdir / RESULT_FILE)
    try:
        name = run["recipe"]["name"]
        known = RECIPES[name].as_dict() if name in RECIPES else {"published_error": None}
        content = {"recipe": {**known, **run["recipe"]}, "seeds": {str(result["seed"]): result}}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{workdir} holds no run of a recipe ({error!r}).") from error
    check_content(content, workdir / RESULT_FILE)
    return {name: content}
