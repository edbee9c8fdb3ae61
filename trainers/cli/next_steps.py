"""What to try after a training: commands that work as they are."""

import pathlib
import shlex
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from zoo.optional import is_installed
from zoo.recipes import RECIPES, Recipe

ATTACK = "pgd_l2"  # to suggest
MANY_SEEDS, FEW_SEEDS = 10, 2
QUICK = 60.0  # seconds of training, up to which many seeds are suggested
NUMBER = 3  # of suggestions


def python() -> str:
    """The Python of this process as a user types it: `python`, or its path.

    Example:
        >>> from trainers.cli.next_steps import python
        >>> "python" in python()
        True
    """
    found, running, here = shutil.which("python"), pathlib.Path(sys.executable), pathlib.Path.cwd()
    if found and pathlib.Path(found).parent == running.parent:
        return "python"
    return shlex.quote(str(running.relative_to(here) if running.is_relative_to(here) else running))


def next_steps(
    recipe: Recipe, result: dict[str, Any], workdir: pathlib.Path, model: pathlib.Path | None, epsilon: float
) -> str:
    """Lines with the next things to try.

    Args:
        recipe: that ran.
        result: figures of the run.
        workdir: of the run.
        model: folder of its SavedModel, or None.
        epsilon: size of `ATTACK` on its data set.
    """
    steps = list(_steps(recipe, result, workdir, model, epsilon))[:NUMBER]
    return "\n".join(["Next:", *(f"  {command}  # {purpose}" for command, purpose in steps)])


def _steps(recipe, result, workdir, model, epsilon) -> Iterator[tuple[str, str]]:
    """Commands and what they are for, the most useful first."""
    backend = "" if result["backend"] == "tensorflow" else f"KERAS_BACKEND={result['backend']} "
    if model is not None:
        attack = f"--attack={ATTACK} --epsilon={epsilon:g}"
        yield f"{python()} -m trainers.evaluate --model={shlex.quote(str(model))} {attack}", "its error under attack"
    known = RECIPES.get(recipe.name)
    if known and known.settings() == recipe.settings():
        seeds = MANY_SEEDS if result["seconds"] < QUICK else FEW_SEEDS
        flags = f"--recipes={recipe.name} --seeds={seeds} --results=reproduced"
        yield f"{backend}{python()} -m trainers.reproduce {flags}", f"mean and spread over {seeds} seeds"
    elif known:
        folder = f"runs/{recipe.name}/unchanged"
        command = f"{backend}{python()} -m trainers.train --recipe={recipe.name} --workdir={folder}"
        yield command, "the recipe without your changes"
    yield f"{python()} -m trainers.train --list", "all recipes"
    if is_installed("jinja2") and is_installed("matplotlib"):
        yield f"{python()} -m trainers.report --workdir={shlex.quote(str(workdir))}", "a page about this run"
    yield f"{python()} -m trainers.train --help", "all flags"
