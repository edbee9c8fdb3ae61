"""Trains the recipes of published tables over several seeds and writes the tables, ours beside theirs.

    python -m trainers.reproduce --table=synthetic --seeds=10
    python -m trainers.reproduce --table=cifar10,cifar10_4000 --seeds=3 --minutes=55
    python -m trainers.reproduce --recipes='mnist_ladder-100_*' --seeds=2 --export=best

First every recipe's first seed, in the order of the tables, then every second seed, and so on. What `results/` has is
skipped; each run's figures are written when it ends. Killed or out of time, the same command goes on where it
stopped. Every run is a `trainers.train` of its own.
"""

import time

from absl import app, flags

from trainers.cli import distribution_flags
from trainers.cli.program import is_finite, main_of
from trainers.results.store import write_tables
from trainers.results.tables import TABLES
from trainers.runs.queue import Queue, select

TABLE = flags.DEFINE_list("table", [], f"Tables, most valuable first: {', '.join(TABLES)}.")
RECIPE_NAMES = flags.DEFINE_list("recipes", [], "Recipes, or patterns of their names, beside those of the tables.")
SEEDS = flags.DEFINE_integer("seeds", 1, "Number of seeds, from 0 on.", lower_bound=1)
MINUTES = flags.DEFINE_float("minutes", None, "Time budget; runs under way stop behind a checkpoint.", lower_bound=0.0)
flags.register_validator("minutes", is_finite, "The time must be finite.")
SIDE_BY_SIDE = flags.DEFINE_integer(
    "side_by_side", 1, "Runs at the same time, for networks that leave the device idle.", lower_bound=1
)
EXPORT = flags.DEFINE_enum(
    "export",
    "none",
    ["none", "best"],
    "Whether to publish each recipe's seed of the lowest validation error; without a validation split, its first.",
)
RESULTS = flags.DEFINE_string("results", "results", "Folder of the figures.")
WORKDIR = flags.DEFINE_string("workdir", "runs", "Folder of checkpoints and logs, one folder below for each run.")
SAVED_MODELS = flags.DEFINE_string("saved_models", "saved_models", "Folder of the published models.")
flags.adopt_module_key_flags(distribution_flags)  # --help shows them as well


def reproduce():
    """Works down the queue; returns a message that names the runs and exports that failed, if some did."""
    chosen = select(TABLE.value, RECIPE_NAMES.value)
    deadline = None if MINUTES.value is None else time.monotonic() + 60 * MINUTES.value
    if distribution_flags.on_hosts() and (SIDE_BY_SIDE.value > 1 or EXPORT.value == "best"):
        raise ValueError(
            "With --distribute=hosts runs follow one another, and models are exported afterwards, on one host; "
            f"received --side_by_side={SIDE_BY_SIDE.value} --export={EXPORT.value}."
        )
    queue = Queue(RESULTS.value, WORKDIR.value, SIDE_BY_SIDE.value, deadline, distribution_flags.arguments())
    jobs = queue.missing(chosen, SEEDS.value)
    print(f"{len(jobs)} runs to do, {len(chosen) * SEEDS.value - len(jobs)} done.", flush=True)
    failed = {"failed": queue.work_down(jobs)}
    write_tables(RESULTS.value)
    if EXPORT.value == "best":
        failed["export failed"] = queue.export_best(chosen, SAVED_MODELS.value)
    told = {what: ", ".join(f"{recipe.name} seed {seed}" for recipe, seed in runs) for what, runs in failed.items()}
    return "\n".join(f"{what}: {runs}" for what, runs in told.items() if runs)


main = main_of(reproduce)

if __name__ == "__main__":
    app.run(main)
