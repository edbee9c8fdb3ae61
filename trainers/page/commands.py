"""The commands that reproduce the figures on the page.

`trainers.reproduce` skips runs that its results folder already has, so these commands use a different results folder.
"""

import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainers.results.tables import TABLES, changed_settings, matching
from zoo.recipes import RECIPES

FOLDERS = {"results": "results", "analysis": "results/analysis"}  # the defaults of `trainers.draw`
REPRODUCE = "python -m trainers.reproduce --results=runs/results"
Content = Mapping[str, Any]  # of the results file of a recipe


def of_table(key: str, contents: Sequence[Content]) -> str:
    """The commands that reproduce the rows of a table.

    Rows with the same backend and number of seeds share a command. A row whose recipe was changed, or whose seeds ran
    on several backends, has commands for itself.

    Args:
        key: of `TABLES`.
        contents: of the rows.

    Returns:
        One command per line.
    """
    shared, commands = defaultdict(list), []
    for content in contents:
        if is_plain(content):
            shared[backend_of(content["seeds"].values()), len(content["seeds"])].append(content["recipe"]["name"])
        else:
            commands.append(of_recipe(content))
    of_key = matching(RECIPES, TABLES[key][1])
    for (backend, num_seeds), names in shared.items():
        what = f"--table={key}" if sorted(names) == sorted(of_key) else f"--recipes={','.join(names)}"
        commands.append(f"{backend}{REPRODUCE} {what} --seeds={num_seeds}")
    return "\n".join(filter(None, commands))


def is_plain(content: Content) -> bool:
    """Whether a recipe ran unchanged, on one backend, with all seeds from 0 upward."""
    recipe, seeds = content["recipe"], content["seeds"]
    backends = {backend_of([run]) for run in seeds.values()}
    in_order = sorted(map(int, seeds)) == list(range(len(seeds)))
    return recipe["name"] in RECIPES and not changed_settings(recipe) and in_order and len(backends) == 1


def of_recipe(content: Content) -> str:
    """The commands that reproduce the figures of a recipe.

    Returns:
        One command for a plain recipe (see `is_plain`), else one per seed, one per line; empty if the zoo has no recipe
        of this name.
    """
    recipe, seeds = content["recipe"], content["seeds"]
    if recipe["name"] not in RECIPES:
        return ""
    if is_plain(content):
        return f"{backend_of(seeds.values())}{REPRODUCE} --recipes={recipe['name']} --seeds={len(seeds)}"
    changed = overrides(recipe)
    return "\n".join(
        f"{backend_of([run])}python -m trainers.train --recipe={recipe['name']} --seed={seed}{changed} --noexport"
        for seed, run in seeds.items()
    )


def overrides(recipe: Mapping[str, Any]) -> str:
    """The flags that turn a recipe of the zoo into a recorded one, each with a space before it."""
    changed = changed_settings(dict(recipe))
    # An entry that the recorded recipe lacks can only go with the whole field.
    whole = {field.split(".")[0] for field, value in changed.items() if value is None and "." in field}
    values = {field: value for field, value in changed.items() if field.split(".")[0] not in whole}
    values |= {field: recipe[field] for field in sorted(whole)}
    flags = (f"--override={field}={json.dumps(value)}" for field, value in values.items())
    return "".join(f" {shlex.quote(flag)}" for flag in flags)


def backend_of(runs: Iterable[Mapping[str, Any]]) -> str:
    """The environment variable that selects the backend of the first run; empty for the default backend."""
    backend = next(iter(runs)).get("backend", "tensorflow")
    return "" if backend == "tensorflow" else f"KERAS_BACKEND={backend} "


def of_model(card: Mapping[str, Any], analyzed: bool) -> str:
    """The commands that evaluate a published model, analyze it and train it.

    Args:
        card: of the model.
        analyzed: whether the page shows an analysis of the model.

    Returns:
        One command per line.
    """
    name = shlex.quote(card["name"])
    lines = [f"python -m trainers.evaluate --model={name}"]
    if analyzed:
        lines.append(f"python -m trainers.analyze --model={name}")
    return "\n".join(filter(None, [*lines, of_training(card)]))


def of_training(card: Mapping[str, Any]) -> str:
    """The command that trained a published model; empty if the zoo has no recipe of this name."""
    recipe = card.get("recipe") or {}
    if recipe.get("name") not in RECIPES:
        return ""
    backend, seed = backend_of([card.get("training") or {}]), card.get("seed", 0)
    return f"{backend}python -m trainers.train --recipe={recipe['name']} --seed={seed}{overrides(recipe)}"


def of_picture(name: str, table: str | None, folders: Mapping[str, Any]) -> str:
    """The command that draws a picture of results.

    Args:
        name: of the picture.
        table: key of its table, or None.
        folders: `{flag of trainers.draw: folder}` that the results are from.
    """
    flags = {"names": name, **({"table": table} if table else {})}
    flags |= {flag: str(folder) for flag, folder in folders.items() if str(folder) != FOLDERS[flag]}
    return " ".join(["python -m trainers.draw", *(f"--{flag}={shlex.quote(value)}" for flag, value in flags.items())])
