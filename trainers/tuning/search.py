"""A search over recipe fields, alone or by a chief and its workers; every trial's figures lie in its folder."""

import contextlib
import dataclasses
import json
import os
import pathlib
import time

from trainers.cli.recipe_flags import choose_search, parse_overrides
from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.lock import LOCK_FILE, locked
from trainers.runs.workdir import differences, read_json
from trainers.tuning.report import write_report
from trainers.tuning.trial import Trial, run_trial, validation_data
from zoo import recipes
from zoo.files import write_atomic
from zoo.recipes.build import build_model
from zoo.recipes.search import ends
from zoo.validation import check_choice

SEARCH_FILE = "search.json"
TRIALS = "trials"
NOT_COMPARABLE = ("name", "dataset", "num_validation")
VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
CHIEF_SECONDS = 600
FAILED_ERROR = 100.0  # what the engine is told of a failed trial, so that it learns where not to look


def role():
    """`"alone"`, or `"chief"` or `"worker"` by KerasTuner's environment variables.

    Raises:
        ValueError: some of the variables are missing.
    """
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if len(missing) == len(VARIABLES):
        return "alone"
    if missing:
        raise ValueError(f"A chief and its workers need {', '.join(VARIABLES)}; missing: {', '.join(missing)}.")
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def import_engines():
    """The module that needs KerasTuner.

    Raises:
        ImportError: it is not installed.
    """
    try:
        from trainers.tuning import engines
    except ImportError as error:
        raise ImportError(f"A search needs KerasTuner ({error}): pip install '.[search]'.") from error
    return engines


def check_fields(recipe, search):
    """Builds the model of every value that has to be possible.

    Raises:
        ValueError: a field is unknown or not to be searched, or a value is out of its range; with the nearest name.
    """
    dataset = validation_data(recipe, search.seeds[0], search.num_validation)
    for path, domain in search.space.items():
        check_choice("recipe field", path.split(".")[0], recipe.settings().keys() - set(NOT_COMPARABLE))
        for value in ends(domain):
            try:
                chosen = recipe.override({path: value})
                # Whitening takes long to fit, and fits the same for all other fields.
                plain = chosen if path.startswith("preprocessing") else chosen.override({"preprocessing": []})
                build_model(plain, dataset, 1, search.seeds[0])
            except (ValueError, TypeError) as error:
                raise ValueError(f"The space of {path} has {value!r}: {error}") from error


def prepare_folder(workdir, recipe, search):
    """Makes the folder of a search and writes down what is searched.

    Raises:
        ValueError: the folder belongs to another search or to something else.
        OSError: it cannot be written.
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
    elif any(not each.name.startswith((LOCK_FILE, f".{SEARCH_FILE}.")) for each in workdir.iterdir()):
        raise ValueError(f"The workdir {str(workdir)!r} holds files of something else. Choose another --workdir.")
    else:
        write_atomic(path, json.dumps(wanted, indent=1))


def wait_for_chief(workdir):
    """Returns when a chief has prepared the folder.

    Raises:
        OSError: none has within ten minutes.
    """
    deadline = time.monotonic() + CHIEF_SECONDS
    while not (workdir / SEARCH_FILE).exists():
        if time.monotonic() > deadline:
            raise OSError(f"No chief has begun a search in {str(workdir)!r} within {CHIEF_SECONDS} s.")
        time.sleep(0.2)


def read_trials(workdir):
    """All trials of a search so far, by number."""
    folders = pathlib.Path(workdir, TRIALS).glob("*")
    return sorted((trial for folder in folders if (trial := Trial.read(folder))), key=lambda trial: trial.number)


def run_search(recipe, search, workdir, deadline=None):
    """Runs the trials of a search that are not done yet. A chief hands them out to its workers and runs none.

    Args:
        recipe: `Recipe`.
        search: `Search`.
        workdir: folder of the search; with the same one a search goes on, perhaps with more trials.
        deadline: of `time.monotonic`, after which training stops at the end of its epoch; None never stops.

    Raises:
        TimeIsUp: the deadline passed; running again goes on from there.
        ValueError: a field or a value does not fit the recipe, or the folder belongs to something else.
        ImportError: KerasTuner is missing.
        OSError: the folder cannot be written, or another process searches in it.
    """
    engines, workdir = import_engines(), pathlib.Path(workdir)
    recipe = recipe if search.epochs is None else recipe.override({"epochs": search.epochs})
    check_fields(recipe, search)
    shared = role() == "worker"  # the folder is its chief's
    if shared:
        wait_for_chief(workdir)
    with contextlib.nullcontext() if shared else locked(workdir):
        run_trials(engines, recipe, search, workdir, deadline)


def run_trials(engines, recipe, search, workdir, deadline):
    """The trials that are left in a folder of this search; arguments and errors as of `run_search`."""
    prepare_folder(workdir, recipe, search)

    def folder(number):
        return workdir / TRIALS / f"{number:04d}"

    def recorded(number):
        trial = Trial.read(folder(number))
        return trial and trial.values

    def answer(number, values):
        trial = run_trial(recipe, search, number, values, folder(number), deadline)
        print(trial.describe(), flush=True)
        return FAILED_ERROR if trial.failure else trial.error

    engines.ask(search, recorded, answer)


def tune(name, overrides, spaces, given, workdir=None, deadline=None):
    """Runs a search, writes down what it found and prints the best.

    Args:
        name: of the recipe.
        overrides, spaces: texts of the flags.
        given: arguments of `Search`, see `choose_search`.
        workdir: folder of the search; None is one for the recipe in `runs`.
        deadline: of `time.monotonic`, or None.

    Raises:
        ValueError, TypeError, OSError, ImportError: see `run_search`.
    """
    assignments = parse_overrides(overrides)
    recipe = recipes.get(name).override(assignments)
    search, workdir = choose_search(recipe, spaces, given), workdir or f"runs/{name}/search"
    try:
        run_search(recipe, search, workdir, deadline)
    except TimeIsUp as stop:
        print(f"{name}: {stop}.")
    trials = read_trials(workdir)
    if trials and role() != "worker":
        best, command = write_report(workdir, name, assignments, search, trials)
        print(f"{len(trials)} trials: {workdir}/README.md")
        if best:
            print(f"Best: {best.describe()}\n{command}")
