"""The commands behind the figures: what to type to get a number again.

`trainers.reproduce` skips what its results folder has, so these name another one than that of the figures.
"""

import json
import shlex
from collections import defaultdict

from trainers.results.tables import TABLES, changed_settings, matching
from zoo.recipes import RECIPES

REPRODUCE = "python -m trainers.reproduce --results=runs/results"


def of_table(key, contents):
    """The commands that reproduce the rows of a table: one for all rows with the same backend and number of seeds, and
    their own for those that were not run as their recipes stand."""
    together, commands = defaultdict(list), []
    for content in contents:
        if is_plain(content):
            together[backend_of(content["seeds"].values()), len(content["seeds"])].append(content["recipe"]["name"])
        else:
            commands.append(of_recipe(content))
    whole = matching(RECIPES, TABLES[key][1])
    for (backend, num_seeds), names in together.items():
        what = f"--table={key}" if sorted(names) == sorted(whole) else f"--recipes={','.join(names)}"
        commands.append(f"{backend}{REPRODUCE} {what} --seeds={num_seeds}")
    return "\n".join(filter(None, commands))


def is_plain(content):
    """Whether a recipe was run as it stands, on one backend, with the seeds from 0 on."""
    recipe, seeds = content["recipe"], content["seeds"]
    backends = {backend_of([run]) for run in seeds.values()}
    in_order = sorted(map(int, seeds)) == list(range(len(seeds)))
    return recipe["name"] in RECIPES and not changed_settings(recipe) and in_order and len(backends) == 1


def of_recipe(content):
    """The commands that gave a recipe's figures, one per line: seed by seed where it was not run as it stands; none for
    a recipe that this zoo does not have."""
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
