"""A search over recipe fields, in one process or by a chief and its workers; each trial has a folder of its figures."""

import contextlib
import dataclasses
import json
import os
import pathlib
import time
import types
from collections.abc import Mapping
from typing import Any

from trainers.cli.program import UsageError, usage
from trainers.cli.recipe_flags import choose_search, parse_overrides
from trainers.results.files import differences, read_json
from trainers.results.lock import LOCK_FILE, locked
from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.progress import time_left
from trainers.tuning.report import as_content, as_figures, write_report
from trainers.tuning.trial import Trial, run_trial, validation_data
from zoo import recipes
from zoo.files import write_atomic
from zoo.optional import require
from zoo.recipes import Recipe
from zoo.recipes.build import build_model
from zoo.recipes.search import Search, ends
from zoo.validation import check_choice

SEARCH_FILE = "search.json"
TRIALS = "trials"
NOT_COMPARABLE = ("name", "dataset", "num_validation")
VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
CHIEF_SECONDS = 600
FAILED_ERROR = 100.0  # the engine learns from it where not to look


def role() -> str:
    """The role of this process: `"alone"`, or `"chief"` or `"worker"` by the environment variables of KerasTuner.

    Raises:
        ValueError: only some of the variables are set.
    """
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if len(missing) == len(VARIABLES):
        return "alone"
    if missing:
        raise ValueError(f"A chief and its workers need {', '.join(VARIABLES)}; missing: {', '.join(missing)}.")
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def import_engines() -> types.ModuleType:
    """Imports the engines, which need KerasTuner and SciPy.

    Raises:
        ImportError: one of them is not installed.
    """
    for module in ("keras_tuner", "scipy"):
        require(module, "A search", "search")
    from trainers.tuning import engines

    return engines


def check_fields(recipe: Recipe, search: Search) -> None:
    """Checks a space by building a model for the end points of every range and for every listed value.

    Args:
        recipe: whose fields are searched.
        search: with the space.

    Raises:
        ValueError: a field is unknown or must not be searched, or a value is out of its range.
    """
    dataset = validation_data(recipe, search.seeds[0], search.num_validation)
    for path, domain in search.space.items():
        with usage():
            check_choice("recipe field", path.split(".")[0], recipe.settings().keys() - set(NOT_COMPARABLE))
        for value in ends(domain):
            try:
                chosen = recipe.override({path: value})
                # Fitting a whitening takes long, and other fields do not change it.
                plain = chosen if path.startswith("preprocessing") else chosen.override({"preprocessing": []})
                build_model(plain, dataset, 1, search.seeds[0])
            except (ValueError, TypeError) as error:
                raise UsageError(f"The space of {path} has {value!r}: {error}") from error


def prepare_folder(workdir: pathlib.Path, recipe: Recipe, search: Search) -> None:
    """Creates the folder of a search and records in it what is searched.

    Args:
        workdir: the folder.
        recipe: whose fields are searched.
        search: to record; the number of trials may change later.

    Raises:
        ValueError: the folder belongs to another search or holds other files.
        OSError: the folder cannot be written.
    """
    settings = {key: value for key, value in dataclasses.asdict(search).items() if key != "num_trials"}
    wanted = json.loads(json.dumps({**recipe.settings(), **{f"search.{key}": settings[key] for key in settings}}))
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / SEARCH_FILE
    if path.exists():
        if told := differences(read_json(path), wanted):
            raise ValueError(
                f"The workdir {str(workdir)!r} belongs to another search: {told}. Choose another --workdir."
            )
        return
    others = [each.name for each in workdir.iterdir() if not each.name.startswith((LOCK_FILE, f".{SEARCH_FILE}."))]
    if others:
        raise ValueError(f"The workdir {str(workdir)!r} holds other files: {min(others)}. Choose another --workdir.")
    write_atomic(path, json.dumps(wanted, indent=1))


def wait_for_chief(workdir: pathlib.Path) -> None:
    """Waits until a chief has prepared the folder.

    Raises:
        OSError: no chief prepared it within ten minutes.
    """
    deadline = time.monotonic() + CHIEF_SECONDS
    while not (workdir / SEARCH_FILE).exists():
        if time.monotonic() > deadline:
            raise OSError(f"No chief started a search in {str(workdir)!r} within {CHIEF_SECONDS} s.")
        time.sleep(0.2)


def read_trials(workdir: str | pathlib.Path) -> list[Trial]:
    """Reads all trials of a search so far, by number."""
    folders = pathlib.Path(workdir, TRIALS).glob("*")
    return sorted((trial for folder in folders if (trial := Trial.read(folder))), key=lambda trial: trial.number)


def run_search(recipe: Recipe, search: Search, workdir: str | pathlib.Path, deadline: float | None = None) -> None:
    """Runs the trials of a search that have no figures yet; a chief hands them to its workers and runs none.

    Args:
        recipe: whose fields are searched.
        search: to run.
        workdir: folder of the search; the same one resumes it, perhaps with more trials.
        deadline: time on the clock of `time.monotonic`; training stops at the end of the epoch in which it passes. None
            never stops.

    Raises:
        TimeIsUp: the deadline passed; run again to resume.
        ValueError: a field or a value does not fit the recipe, or the folder belongs to something else.
        ImportError: KerasTuner is not installed.
        OSError: the folder cannot be written, or another process searches in it.
    """
    engines, workdir = import_engines(), pathlib.Path(workdir)
    recipe = recipe if search.epochs is None else recipe.override({"epochs": search.epochs})
    check_fields(recipe, search)
    shared = role() == "worker"  # the chief holds the lock of the folder
    if shared:
        wait_for_chief(workdir)
    with contextlib.nullcontext() if shared else locked(workdir):
        run_trials(engines, recipe, search, workdir, deadline)


def run_trials(
    engines: types.ModuleType, recipe: Recipe, search: Search, workdir: pathlib.Path, deadline: float | None
) -> None:
    """Runs the remaining trials in the folder of a search; arguments and errors are those of `run_search`."""
    prepare_folder(workdir, recipe, search)

    def folder(number):
        return workdir / TRIALS / f"{number:04d}"

    def recorded(number):
        trial = Trial.read(folder(number))
        return trial and trial.values

    times, total = [], engines.most_trials(search)

    def answer(number, values):
        begun, known = time.monotonic(), Trial.read(folder(number))
        trial = run_trial(recipe, search, number, values, folder(number), deadline)
        if known is None or known.seeds != trial.seeds:
            times.append(time.monotonic() - begun)
        to_go = total - number - 1 if role() == "alone" else 0  # workers do not know how many they are
        left = time_left(sum(times), len(times), len(times) + to_go)
        print(f"{trial.describe()}{left and f'; {left}'}", flush=True)
        return FAILED_ERROR if trial.failure else trial.error

    engines.ask(search, recorded, answer)


def tune(
    name: str,
    overrides: list[str],
    spaces: list[str],
    given: Mapping[str, Any],
    workdir: str | None = None,
    deadline: float | None = None,
) -> tuple[str, dict[str, Any]]:
    """Runs a search and writes its report.

    Args:
        name: of the recipe.
        overrides: the `--override` flags.
        spaces: the `--space` flags.
        given: further arguments of `Search`, see `choose_search`.
        workdir: folder of the search; None uses `runs/NAME/search`.
        deadline: time on the clock of `time.monotonic`, or None.

    Returns:
        The best trial and the command that trains with its values, in words; and all trials as JSON values, with the
        best one, its command, and what stopped the search early, or None.

    Raises:
        ValueError: see `run_search`.
        TypeError: a value has a wrong type.
        OSError: see `run_search`.
        ImportError: see `run_search`.
    """
    with usage():
        assignments = parse_overrides(overrides)
        recipe = recipes.get(name).override(assignments)
        search, workdir = choose_search(recipe, spaces, given), workdir or f"runs/{name}/search"
    stopped = None
    try:
        run_search(recipe, search, workdir, deadline)
    except TimeIsUp as stop:
        stopped = str(stop)
        print(f"{name}: {stop}.")
    trials, best, command = read_trials(workdir), None, None
    text = f"{len(trials)} trials"
    if trials and role() != "worker":
        best, command = write_report(workdir, name, assignments, search, trials)
        text += f": {workdir}/README.md"
    if best:
        text += f"\nBest: {best.describe()}\n{command}"
    found = {"workdir": str(workdir), "best": best and as_figures(best), "command": command, "stopped": stopped}
    return text, {**as_content(name, assignments, search, trials), **found}
