"""The results folder: one file per recipe with every seed's figures, and tables of them all."""

import itertools
import json
import pathlib
import re

from trainers.results.tables import TABLES, section
from trainers.runs.lock import locked
from trainers.runs.workdir import differences, read_json
from zoo.files import check_generated, write_atomic, write_generated
from zoo.recipes import RECIPES, Recipe

HEADER = """# Results

Test error in per cent, mean ± standard deviation over the seeds; written by `trainers.reproduce` and
`trainers.train --results`. Each recipe's file holds its settings and every seed's figures, with its curves over the
epochs. Published errors are as their source gives them. Differences to a table's reference are over the seeds that
both have, with the 95 % confidence interval and the p-value of the paired t test. Seconds per epoch are those of one
network, the median over the seeds, on machines that did other work beside: what a method's step costs, `benchmarks/`
compares.
"""


TIMES = {"seconds_per_epoch", "epochs"}


def record_result(result, recipe, directory):
    """Adds a run's figures to its recipe's file, in place of the same seed's earlier ones, and writes the table anew.

    A file holds one configuration: one with figures of the recipe's earlier settings is set aside, under its name with
    `.earlier` behind it, or `.earlier-2` and so on.

    Args:
        result: the figures of a run, from `trainers.run.train`.
        recipe: the `Recipe` that ran.
        directory: results folder.

    Returns:
        The recipe's file.

    Raises:
        ValueError: the recipe's file is damaged, or holds others' figures, see `check_place`.
    """
    path = pathlib.Path(directory) / f"{recipe.name}.json"
    with locked(directory, wait=True):  # else two runs that end together would lose one's figures
        check_place(path, recipe)
        seeds = recorded_seeds(recipe, path)
        if path.exists() and not seeds:
            aside = path.rename(free_name(path))
            print(f"{path} held figures of other settings; they are in {aside} now.", flush=True)
        replaced = seeds.get(str(result["seed"]), result)
        if replaced.get("backend") != result.get("backend"):
            print(f"{path}: figures of seed {result['seed']} on {replaced.get('backend')} replaced.", flush=True)
        seeds[str(result["seed"])] = {key: value for key, value in result.items() if key != "recipe"}
        ordered = dict(sorted(seeds.items(), key=lambda item: int(item[0])))
        write_atomic(path, as_json({"recipe": recipe.as_dict(), "seeds": ordered}))
        write_tables(directory)
    return path


def free_name(path):
    """The first of the names for what is set aside that no file has."""
    names = (f"{path.name}.earlier{ending}" for ending in itertools.chain([""], (f"-{n}" for n in itertools.count(2))))
    return next(free for name in names if not (free := path.with_name(name)).exists())


def check_folder(directory):
    """Refuses, before anything is trained, a folder that could not take the figures.

    Raises:
        ValueError: a file in it is damaged or no recipe's results, or its `README.md` is somebody else's.
        OSError: it cannot be written.
    """
    read_results(directory)
    check_generated(pathlib.Path(directory) / "README.md", HEADER)
    with locked(directory, wait=True):
        pass


def settings_in(content, path):
    """The settings of the recipe in a file's content.

    Raises:
        ValueError: there is none, with the file's name.
    """
    try:
        # Read back as a recipe, earlier settings have the fields that were added since, at their defaults.
        return Recipe(**content["recipe"]).settings()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} holds no results of a recipe ({error!r}). Remove it from the folder.") from error


def check_place(path, recipe):
    """Refuses a changed recipe's figures a place where those of other settings stand.

    A recipe as it is named may take any place, for what stands there is from before it was changed.

    Args:
        path: of a file that holds a recipe beside its figures: one of a results folder, or the card of a SavedModel.
        recipe: the `Recipe` whose figures are to stand there.

    Raises:
        ValueError: the file holds figures of other settings, or is damaged.
    """
    known = RECIPES.get(recipe.name)
    if not path.exists() or (known and known.settings() == recipe.settings()):
        return
    if found := differences(settings_in(read_json(path), path), recipe.settings()):
        raise ValueError(
            f"{path} holds figures of other settings: {found}. Choose another folder, or a name of its own for the "
            f"changed recipe: --override=name={recipe.name}_changed."
        )


def as_json(content):
    """JSON with lists of numbers on one line each."""
    text = json.dumps(content, indent=1)
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: " ".join(found.group().split()), text) + "\n"


def recorded_seeds(recipe, path):
    """`{seed: figures}` of a recipe's file, empty where it holds those of other settings or is not there.

    Raises:
        ValueError: the file is damaged.
    """
    content = read_json(path) if path.exists() else None
    return content["seeds"] if content and settings_in(content, path) == recipe.settings() else {}


def finished_seeds(recipe, directory):
    """The seeds of which a results folder has figures, for these settings of the recipe."""
    return {int(seed) for seed in recorded_seeds(recipe, pathlib.Path(directory) / f"{recipe.name}.json")}


def best_seed(recipe, directory):
    """The seed with the lowest validation error; without a validation split the first, for the test set does not
    choose."""
    seeds = read_json(pathlib.Path(directory) / f"{recipe.name}.json")["seeds"]
    return int(min(seeds, key=lambda seed: (seeds[seed]["errors"].get("validation", 0.0), int(seed))))


def check_content(content, path):
    """Refuses what is no recipe's results.

    Raises:
        ValueError: naming the file and what it lacks.
    """
    settings_in(content, path)
    try:
        complete = all("test" in run["errors"] and run.keys() >= TIMES for run in content["seeds"].values())
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no seeds' figures ({error!r}). Remove it from the folder.") from error
    if not content["seeds"] or not complete:
        raise ValueError(
            f"{path} lacks the test error or the time of some seed, or has no seed. Remove it, and run them again."
        )


def read_results(directory):
    """What a results folder holds, in the order of the recipes.

    Returns:
        `{recipe name: content of its file}`; empty where there is none.

    Raises:
        ValueError: a file is damaged, or holds something else; with its name.
    """
    results = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        content = read_json(path)
        check_content(content, path)
        results[content["recipe"]["name"]] = with_present_texts(content, path)
    order = [name for name in RECIPES if name in results] + [name for name in results if name not in RECIPES]
    return {name: results[name] for name in order}


def with_present_texts(content, path):
    """Results with what is said of their recipe now, where its settings are still those that ran."""
    known = RECIPES.get(content["recipe"]["name"])
    if known is None or known.settings() != settings_in(content, path):
        return content
    return {**content, "recipe": known.as_dict()}


def write_tables(directory):
    """Writes `README.md` with a table for each published one, from the recipes' files; nothing where there are none.

    Raises:
        ValueError: a file is damaged, or `README.md` is somebody else's.
    """
    results = read_results(directory)
    if results:
        write_generated(
            pathlib.Path(directory) / "README.md", HEADER + "".join(section(key, results) for key in TABLES)
        )
