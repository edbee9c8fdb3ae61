"""The commands behind the figures: what to type to get a number again."""

import json
import shlex

from trainers.tables import changed_settings, matching


def of_table(key, contents):
    """The command that reproduces a table, over as many seeds as its rows have."""
    return f"python -m trainers.reproduce --table={key} --seeds={max(len(content['seeds']) for content in contents)}"


def of_recipe(content):
    """The commands that gave a recipe's figures, one per line: seed by seed where it was not run as it stands."""
    recipe, seeds = content["recipe"], content["seeds"]
    changed = [f"{field}={json.dumps(value)}" for field, value in changed_settings(recipe).items()]
    if not changed and sorted(map(int, seeds)) == list(range(len(seeds))):
        return (
            f"{backend_of(seeds.values())}python -m trainers.reproduce --recipes={recipe['name']} --seeds={len(seeds)}"
        )
    overrides = "".join(f" {shlex.quote(f'--override={each}')}" for each in changed)
    return "\n".join(
        f"{backend_of([run])}python -m trainers.train --recipe={recipe['name']} --seed={seed}{overrides} --noexport"
        for seed, run in seeds.items()
    )


def backend_of(runs):
    """The setting of a backend other than the default, where the first of some runs used one."""
    backend = next(iter(runs)).get("backend", "tensorflow")
    return "" if backend == "tensorflow" else f"KERAS_BACKEND={backend} "


def of_model(name, recipe_names, recipe):
    """The commands that load, measure and train a published model; the last only where its recipe is known."""
    lines = [f"python -m trainers.evaluate --model={shlex.quote(name)}"]
    if recipe and matching(recipe_names, [recipe["name"]]):
        lines.append(f"python -m trainers.train --recipe={recipe['name']} --seed={recipe.get('seed', 0)}")
    return "\n".join(lines)
