"""The commands behind the figures: what to type to get a number again.

`trainers.reproduce` skips what its results folder has, so these name another one than that of the figures.
"""

import json
import shlex

from trainers.tables import changed_settings
from zoo.recipes import RECIPES

REPRODUCE = "python -m trainers.reproduce --results=runs/results"


def of_table(key, contents):
    """The commands that reproduce a table, over as many seeds as its rows have; those of its rows where some were not
    run as their recipes stand."""
    if any(content["recipe"]["name"] not in RECIPES or changed_settings(content["recipe"]) for content in contents):
        return "\n".join(filter(None, map(of_recipe, contents)))
    backend = backend_of(contents[0]["seeds"].values())
    return f"{backend}{REPRODUCE} --table={key} --seeds={max(len(content['seeds']) for content in contents)}"


def of_recipe(content):
    """The commands that gave a recipe's figures, one per line: seed by seed where it was not run as it stands; none for
    a recipe that this zoo does not have."""
    recipe, seeds = content["recipe"], content["seeds"]
    if recipe["name"] not in RECIPES:
        return ""
    changed = overrides(recipe)
    if not changed and sorted(map(int, seeds)) == list(range(len(seeds))):
        return f"{backend_of(seeds.values())}{REPRODUCE} --recipes={recipe['name']} --seeds={len(seeds)}"
    return "\n".join(
        f"{backend_of([run])}python -m trainers.train --recipe={recipe['name']} --seed={seed}{changed} --noexport"
        for seed, run in seeds.items()
    )


def overrides(recipe):
    """The flags that change a recipe into what ran."""
    changed = (f"--override={field}={json.dumps(value)}" for field, value in changed_settings(recipe).items())
    return "".join(f" {shlex.quote(flag)}" for flag in changed)


def backend_of(runs):
    """The setting of a backend other than the default, where the first of some runs used one."""
    backend = next(iter(runs)).get("backend", "tensorflow")
    return "" if backend == "tensorflow" else f"KERAS_BACKEND={backend} "


def of_model(card, analyzed):
    """The commands that measure a published model, look inside it if that was done, and train it."""
    name, recipe = shlex.quote(card["name"]), card.get("recipe") or {}
    lines = [f"python -m trainers.evaluate --model={name}"]
    if analyzed:
        lines.append(f"python -m trainers.analyze --model={name}")
    if recipe.get("name") in RECIPES:
        backend = backend_of([card.get("training") or {}])
        changed = overrides(recipe)
        lines.append(
            f"{backend}python -m trainers.train --recipe={recipe['name']} --seed={card.get('seed', 0)}{changed}"
        )
    return "\n".join(lines)
