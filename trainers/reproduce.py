"""Trains the recipes of published tables over several seeds, and writes the tables with our figures next to theirs.

    python -m trainers.reproduce --table=synthetic --seeds=10
    python -m trainers.reproduce --table=cifar10,cifar10_4000 --seeds=3 --minutes=55
    python -m trainers.reproduce --recipes='mnist_ladder-100_*' --seeds=2 --export=best

The command trains the first seed of every recipe, in the order of the tables, then the second seeds, and so on. It
skips runs that have figures in RESULTS, and records the figures of each run when the run ends. If it is killed or out
of time, the same command continues where it stopped. Each run is a `trainers.train` in its own process.
"""

import time
from typing import Any

from absl import flags

from trainers.cli import distribution_flags, program, quiet, words
from trainers.cli.choices import allow, suggest
from trainers.cli.light_imports import without_keras
from trainers.cli.output import figures

with without_keras():
    from trainers.results.tables import TABLES
    from zoo.recipes import RECIPES

    NAMES = list(RECIPES)

TABLE = flags.DEFINE_list("table", [], f"Published tables, most important first: {', '.join(TABLES)}.")
RECIPE_NAMES = flags.DEFINE_list("recipes", [], "Further recipes, or patterns of their names, with commas between.")
SEEDS = flags.DEFINE_integer("seeds", 1, f"{words.SEEDS}, from 0 upward.", lower_bound=1)
MINUTES = flags.DEFINE_float("minutes", None, words.MINUTES, lower_bound=0.0)
SIDE_BY_SIDE = flags.DEFINE_integer(
    "side_by_side", 1, "Number of runs at the same time, for networks too small to fill the device.", lower_bound=1
)
EXPORT = flags.DEFINE_enum(
    "export",
    "none",
    ["none", "best"],
    "none: write no SavedModels. best: publish the seed of each recipe with the lowest validation error; the first "
    "seed if the recipe has no validation split.",
)
RESULTS = flags.DEFINE_string("results", "results", words.RESULTS)
WORKDIR = flags.DEFINE_string("workdir", "runs", f"{words.WORKDIR} Each run has a subfolder.")
SAVED_MODELS = flags.DEFINE_string("saved_models", "saved_models", words.SAVED_MODELS)
JSON = flags.DEFINE_bool("json", False, words.JSON)
allow(TABLE, "table", TABLES)
suggest(RECIPE_NAMES, NAMES)
flags.register_validator("minutes", program.is_finite, "The number of minutes must be finite.")

SECTIONS = {
    "What to train": [TABLE, RECIPE_NAMES, SEEDS],
    "Files": [RESULTS, WORKDIR, EXPORT, SAVED_MODELS],
    "How": [MINUTES, SIDE_BY_SIDE, *distribution_flags.HOLDERS],
    "What to show": [JSON],
}


def chosen_recipes() -> list[Any]:
    """The recipes that the flags choose.

    Raises:
        UsageError: the flags choose none, or exclude each other.
    """
    from trainers.runs.queue import select

    distribution_flags.check()
    if SAVED_MODELS.present and EXPORT.value == "none":
        raise program.UsageError(f"--saved_models={SAVED_MODELS.value} needs --export=best.")
    with program.usage():
        chosen = select(TABLE.value, RECIPE_NAMES.value)
    if distribution_flags.on_hosts() and (SIDE_BY_SIDE.value > 1 or EXPORT.value == "best"):
        raise program.UsageError(
            "--distribute=hosts needs --side_by_side=1 and --export=none; export afterwards on one host. Received "
            f"--side_by_side={SIDE_BY_SIDE.value} --export={EXPORT.value}."
        )
    return chosen


def work_down(chosen: list[Any], deadline: float | None) -> dict[str, list[Any]]:
    """Works down the queue, writes the tables and exports.

    Returns:
        The runs that failed, those whose export failed, and those without figures: pairs of a recipe and a seed.
    """
    from trainers.results.lock import locked
    from trainers.results.publishing import check_models_folder
    from trainers.results.store import write_tables
    from trainers.runs.queue import Queue

    queue = Queue(RESULTS.value, WORKDIR.value, SIDE_BY_SIDE.value, deadline, distribution_flags.arguments())
    jobs = queue.missing(chosen, SEEDS.value)
    if EXPORT.value == "best":
        check_models_folder(SAVED_MODELS.value)
    print(f"{len(jobs)} runs to do, {len(chosen) * SEEDS.value - len(jobs)} done.", flush=True)
    failed = queue.work_down(jobs)
    with locked(RESULTS.value, wait=True):
        write_tables(RESULTS.value)
    not_exported = queue.export_best(chosen, SAVED_MODELS.value) if EXPORT.value == "best" else []
    return {"failed": failed, "export_failed": not_exported, "missing": queue.missing(chosen, SEEDS.value)}


def reproduce() -> str:
    """Trains what is missing, and prints the errors next to the published ones.

    Returns:
        A message that names the runs and exports that failed; empty if none did.
    """
    deadline = None if MINUTES.value is None else time.monotonic() + 60 * MINUTES.value
    quiet.load("keras")
    from trainers.cli.recipe_list import recipe_facts, recipe_lines

    chosen = chosen_recipes()
    with figures(JSON.value) as give:
        runs = work_down(chosen, deadline)
        names, facts = {recipe.name for recipe in chosen}, recipe_facts(RESULTS.value)
        found = {name: fact for name, fact in facts.items() if name in names}
        told = {what: [f"{recipe.name} seed {seed}" for recipe, seed in which] for what, which in runs.items()}
        give(f"{recipe_lines(found)}\n\nTables: {RESULTS.value}/README.md", {"recipes": found, **told})
    return "\n".join(
        f"{what.replace('_', ' ')}: {', '.join(told[what])}" for what in ("failed", "export_failed") if told[what]
    )


main = program.main_of(reproduce)

if __name__ == "__main__":
    program.run(main, SECTIONS)
