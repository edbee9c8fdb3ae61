"""Tables and runs as the page takes them, from the files of results."""

import json
import pathlib

from trainers.page import commands
from trainers.page.gallery import inlined
from trainers.pictures import curves, errors
from trainers.results.store import check_content
from trainers.results.tables import COLUMNS, TABLES, cells, label, shortfalls, table
from trainers.runs.workdir import RESULT_FILE, RUN_FILE, read_json
from zoo.recipes import RECIPES


def percent(value, digits=2):
    """A number in a cell, or a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def table_content(key, results):
    """One table with its pictures, or None where no recipe has results; arguments as for `trainers.tables.table`."""
    title = TABLES[key][0]
    columns, contents, reference = table(key, results)
    if not contents:
        return None
    drawn = [
        errors.errors_by_method(contents, title),
        errors.error_by_time(contents, title),
        curves.generalization_gap(contents, title),
        curves.worst_movements(contents, title),
    ]
    return {
        "key": key,
        "title": title,
        "columns": columns,
        "rows": [{"anchor": anchor(content), "cells": cells(content, reference)} for content in contents],
        "shortfalls": shortfalls(contents).strip(),
        "command": commands.of_table(key, contents),
        "pictures": [inlined(picture) for picture in drawn if picture is not None],
    }


def anchor(content):
    return f"recipe-{content['recipe']['name']}"


def recipe_content(content):
    """The card of a recipe's results, with every seed."""
    recipe, columns = content["recipe"], ("seed", "test error", "train", "validation", "epochs", "s per epoch", "on")
    rows = []
    for seed, run in content["seeds"].items():
        found = [percent(run["errors"].get(split)) for split in ("test", "train", "validation")]
        where = ", ".join(
            [run.get("device", "–"), *(f"{name} {version}" for name, version in run.get("versions", {}).items())]
        )
        row = [seed, *found, run.get("epochs", "–"), percent(run["seconds_per_epoch"], 3), where]
        rows.append({"anchor": None, "cells": row})
    return {
        "anchor": anchor(content),
        "label": label(recipe),
        "headline": dict(zip(COLUMNS, cells(content, None), strict=True))["ours"] + " %",
        "notes": recipe.get("notes", ""),
        "command": commands.of_recipe(content),
        "columns": columns,
        "rows": rows,
        "settings": json.dumps(recipe, indent=1, ensure_ascii=False),
    }


def run_content(workdir):
    """The results of one run, as a results folder would hold them.

    Returns:
        `{recipe name: content}`.

    Raises:
        FileNotFoundError: there is no finished run.
        ValueError: a file is damaged, or not that of a run.
    """
    workdir = pathlib.Path(workdir)
    if not (workdir / RUN_FILE).is_file() or not (workdir / RESULT_FILE).is_file():
        raise FileNotFoundError(f"{workdir} holds no finished run: it lacks {RUN_FILE} or {RESULT_FILE}.")
    run, result = read_json(workdir / RUN_FILE), read_json(workdir / RESULT_FILE)
    try:
        name = run["recipe"]["name"]
        known = RECIPES[name].as_dict() if name in RECIPES else {"published_error": None}
        content = {"recipe": {**known, **run["recipe"]}, "seeds": {str(result["seed"]): result}}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{workdir} holds no run of a recipe ({error!r}).") from error
    check_content(content, workdir / RESULT_FILE)
    return {name: content}
