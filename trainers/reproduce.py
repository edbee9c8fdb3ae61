"""Trains the recipes of published tables over several seeds and writes the tables, ours beside theirs.

    python -m trainers.reproduce --table=synthetic --seeds=10
    python -m trainers.reproduce --table=cifar10,cifar10_4000 --seeds=3 --minutes=55
    python -m trainers.reproduce --recipes='mnist_ladder-100_*' --seeds=2 --export=best

First every recipe's first seed, in the order of the tables, then every second seed, and so on. What `results/` has is
skipped; each run's figures are written when it ends. Killed or out of time, the same command goes on where it
stopped. Every run is a `trainers.train` of its own.
"""

import os
import pathlib
import subprocess
import sys
import time

import keras
from absl import app, flags

from trainers.results import best_seed, finished_seeds, record_result, write_tables
from trainers.run import RESULT_FILE, read_json
from trainers.tables import TABLES, matching
from zoo import recipes
from zoo.validation import check_choice

TABLE = flags.DEFINE_list("table", [], f"Tables, most valuable first: {', '.join(TABLES)}.")
RECIPE_NAMES = flags.DEFINE_list("recipes", [], "Recipes, or patterns of their names, beside those of the tables.")
SEEDS = flags.DEFINE_integer("seeds", 1, "Number of seeds, from 0 on.", lower_bound=1)
MINUTES = flags.DEFINE_float("minutes", None, "Time budget; runs under way stop behind a checkpoint.", lower_bound=0.0)
SIDE_BY_SIDE = flags.DEFINE_integer(
    "side_by_side", 1, "Runs at the same time, for networks that leave the device idle.", lower_bound=1
)
EXPORT = flags.DEFINE_enum(
    "export", "none", ["none", "best"], "Whether to publish each recipe's seed of the lowest validation error."
)
RESULTS = flags.DEFINE_string("results", "results", "Folder of the figures.")
WORKDIR = flags.DEFINE_string("workdir", "runs", "Folder of checkpoints and logs, one folder below for each run.")
SAVED_MODELS = flags.DEFINE_string("saved_models", "saved_models", "Folder of the published models.")


def chosen_recipes():
    """The recipes that the flags name, each once.

    Raises:
        ValueError: an unknown table, or a pattern that no recipe matches, with the nearest name.
    """
    patterns = [pattern for name in TABLE.value for pattern in TABLES[check_choice("table", name, TABLES)][1]]
    for pattern in RECIPE_NAMES.value:
        if not matching(recipes.RECIPES, [pattern]):
            check_choice("recipe", pattern, recipes.RECIPES)
    names = [name for pattern in [*patterns, *RECIPE_NAMES.value] for name in matching(recipes.RECIPES, [pattern])]
    if not names:
        raise ValueError("Name what to reproduce: --table=synthetic, or --recipes=mnist_mlp-vat.")
    return [recipes.get(name) for name in dict.fromkeys(names)]


def missing_jobs(chosen, num_seeds, results):
    """`(recipe, seed)` of the runs without figures: all first seeds, then all second ones."""
    done = {recipe.name: finished_seeds(recipe, results) for recipe in chosen}
    return [(recipe, seed) for seed in range(num_seeds) for recipe in chosen if seed not in done[recipe.name]]


def workdir_of(recipe, seed):
    """The run's folder; other settings get another one."""
    return pathlib.Path(WORKDIR.value) / f"{recipe.name}-{recipe.digest()}" / f"seed-{seed}"


def train_command(recipe, seed, *flags_):
    command = [sys.executable, "-m", "trainers.train", f"--recipe={recipe.name}", f"--seed={seed}"]
    return [*command, f"--workdir={workdir_of(recipe, seed)}", "--verbose=0", *flags_]


def start(recipe, seed, deadline):
    """Starts a run in a process of its own, whose memory ends with it."""
    limit = [] if deadline is None else [f"--max_seconds={max(deadline - time.monotonic(), 0.0):.1f}"]
    print(f"{recipe.name}, seed {seed}: begins.", flush=True)
    share = {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / SIDE_BY_SIDE.value:.2f}"}
    environment = {**share, **os.environ, "KERAS_BACKEND": keras.backend.backend()}
    return subprocess.Popen(train_command(recipe, seed, "--noexport", *limit), env=environment)


def finish(recipe, seed, process):
    """Records a run that has ended; returns whether it failed."""
    path = workdir_of(recipe, seed) / RESULT_FILE
    if process.returncode == 0 and path.exists():
        record_result(read_json(path), recipe, RESULTS.value)
    return process.returncode != 0


def work_down(jobs, deadline):
    """Runs the jobs, several at a time if so asked; returns those that failed."""
    jobs, running, failed = list(jobs), [], []
    try:
        while running or (jobs and not past(deadline)):
            while jobs and len(running) < SIDE_BY_SIDE.value and not past(deadline):
                recipe, seed = jobs.pop(0)
                running.append((recipe, seed, start(recipe, seed, deadline)))
            for job in [job for job in running if job[2].poll() is not None]:
                running.remove(job)
                failed += [job[:2]] if finish(*job) else []
            time.sleep(0.1)
    finally:
        for *_, process in running:
            process.terminate()
    if jobs:
        print(f"Out of time with {len(jobs)} runs to go.")
    return failed


def past(deadline):
    return deadline is not None and time.monotonic() > deadline


def export_best(chosen):
    """Writes the SavedModel of each recipe's best seed, whose checkpoint is there."""
    for recipe in chosen:
        if not finished_seeds(recipe, RESULTS.value):
            continue
        seed = best_seed(recipe, RESULTS.value)
        if not (workdir_of(recipe, seed) / RESULT_FILE).exists():
            print(f"{recipe.name}, seed {seed}: no export, its weights are not in {WORKDIR.value}.")
            continue
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
        subprocess.run(train_command(recipe, seed, f"--saved_models={SAVED_MODELS.value}"), env=environment, check=True)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Arguments are given as --flag=value, received {argv[1:]}.")
    deadline = None if MINUTES.value is None else time.monotonic() + 60 * MINUTES.value
    try:
        chosen = chosen_recipes()
        jobs = missing_jobs(chosen, SEEDS.value, RESULTS.value)
        print(f"{len(jobs)} runs to do, {len(chosen) * SEEDS.value - len(jobs)} done.", flush=True)
        failed = work_down(jobs, deadline)
        if EXPORT.value == "best":
            export_best(chosen)
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
    if pathlib.Path(RESULTS.value).is_dir():
        write_tables(RESULTS.value)
    if failed:
        sys.exit("failed: " + ", ".join(f"{recipe.name} seed {seed}" for recipe, seed in failed))


if __name__ == "__main__":
    app.run(main)
