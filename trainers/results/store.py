"""The results folder: one file per recipe with the figures of every seed, and a `README.md` with the tables."""

import itertools
import json
import pathlib
import re
from typing import Any

from trainers.results.files import check_folder, differences, read_json
from trainers.results.lock import locked
from trainers.results.tables import TABLES, section
from zoo.files import write_atomic, write_generated
from zoo.recipes import RECIPES, Recipe

HEADER = """# Results

Test error in percent, mean ± standard deviation over the seeds; written by `trainers.reproduce` and `trainers.train
--results`. The file of each recipe holds its settings and the figures and curves of every seed. Published errors are as
their source gives them; "reference" is what the same source measures without the method. Ladders predict with the
statistics of unlabeled inputs; "labeled statistics" are those of the labeled inputs with the unbiased variance, which
the ladder authors use, for the same weights. Where these were measured, "ours − published" uses them. The next
column is the difference to the recipe in its heading. A row that says "against" is compared with the recipe named
there: for instance, a network without batch normalization is compared with the plain network without it. A dash means
that there is nothing to compare with. Only seeds that both recipes have count. With several seeds, the 95 % confidence
interval and the p-value of the paired t test follow. Seconds per epoch are those of one network, the median over the
seeds, on different devices (the files name them) that did other work at the same time: to compare the cost of methods,
see `benchmarks/`, which also says why the VMT paper's ratios of training times are not reproduced.
"""
TIMES = {"seconds_per_epoch", "epochs"}


def record_result(result: dict[str, Any], recipe: Recipe, directory: str | pathlib.Path) -> pathlib.Path:
    """Adds the figures of a run to the file of its recipe, and rewrites the tables.

    New figures replace earlier ones of the same seed. A file holds one configuration: figures of earlier settings of
    the recipe move to a file with the ending `.earlier`, or `.earlier-2` and so on.

    Args:
        result: figures of a run, from `trainers.runs.run.train`.
        recipe: that ran.
        directory: results folder.

    Returns:
        The file of the recipe.

    Raises:
        ValueError: the file is damaged, or holds figures that a changed recipe must not replace; see `check_place`.
    """
    path = pathlib.Path(directory) / f"{recipe.name}.json"
    with locked(directory, wait=True):  # two runs that end together would overwrite each other's figures
        check_place(path, recipe)
        seeds = recorded_seeds(recipe, path)
        if path.exists() and not seeds:
            aside = path.rename(free_name(path))
            print(f"{path} held figures of other settings; they are in {aside} now.", flush=True)
        replaced = seeds.get(str(result["seed"]), result)
        if replaced.get("backend") != result.get("backend"):
            print(f"{path}: replaced the figures of seed {result['seed']} on {replaced.get('backend')}.", flush=True)
        seeds[str(result["seed"])] = {key: value for key, value in result.items() if key != "recipe"}
        ordered = dict(sorted(seeds.items(), key=lambda item: int(item[0])))
        write_atomic(path, as_json({"recipe": recipe.as_dict(), "seeds": ordered}))
        write_tables(directory)
    return path


def free_name(path: pathlib.Path) -> pathlib.Path:
    """The first unused name for a file that is set aside."""
    names = (f"{path.name}.earlier{ending}" for ending in itertools.chain([""], (f"-{n}" for n in itertools.count(2))))
    return next(free for name in names if not (free := path.with_name(name)).exists())


def check_results(directory: str | pathlib.Path) -> None:
    """Checks that a folder can take figures; call it before training begins.

    Args:
        directory: results folder; created if it is missing.

    Raises:
        ValueError: a file is damaged or holds no results, or `README.md` is not ours.
        OSError: the folder cannot be written.
    """
    read_results(directory)
    check_folder(directory, HEADER)


def settings_in(content: Any, path: pathlib.Path) -> dict[str, Any]:
    """The settings of the recipe in the content of a file.

    Args:
        content: of the file.
        path: of the file, for the message.

    Raises:
        ValueError: the content holds no recipe.
    """
    try:
        # As a `Recipe`, older content gets the defaults of fields that were added later.
        return Recipe(**content["recipe"]).settings()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} holds no results of a recipe ({error!r}). Remove it from the folder.") from error


def check_place(path: pathlib.Path, recipe: Recipe) -> None:
    """Checks that a changed recipe does not replace figures of other settings.

    An unchanged recipe may replace any figures under its name: they come from an earlier version of the recipe.

    Args:
        path: a file with a recipe and its figures: in a results folder, or the card of a SavedModel.
        recipe: whose figures are to replace those in the file.

    Raises:
        ValueError: the file holds figures of other settings, or is damaged.
    """
    known = RECIPES.get(recipe.name)
    if not path.exists() or (known and known.settings() == recipe.settings()):
        return
    if found := differences(settings_in(read_json(path), path), recipe.settings()):
        raise ValueError(
            f"{path} holds figures of other settings: {found}. Choose another folder, or give the changed recipe "
            f"another name: --override=name={recipe.name}_changed."
        )


def as_json(content: Any) -> str:
    """Formats JSON with every list of numbers on one line."""
    text = json.dumps(content, indent=1)
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: " ".join(found.group().split()), text) + "\n"


def recorded_seeds(recipe: Recipe, path: pathlib.Path) -> dict[str, dict[str, Any]]:
    """`{seed: figures}` in the file of a recipe; empty if there is no file, or one of other settings.

    Args:
        recipe: whose settings count.
        path: of the file.

    Raises:
        ValueError: the file is damaged.
    """
    content = read_json(path) if path.exists() else None
    return content["seeds"] if content and settings_in(content, path) == recipe.settings() else {}


def finished_seeds(recipe: Recipe, directory: str | pathlib.Path) -> set[int]:
    """The seeds that have figures in a results folder, for these settings of the recipe."""
    return {int(seed) for seed in recorded_seeds(recipe, pathlib.Path(directory) / f"{recipe.name}.json")}


def best_seed(recipe: Recipe, directory: str | pathlib.Path) -> int:
    """The seed with the lowest validation error; the first seed if the recipe has no validation split.

    The test error plays no part, because a choice by it would make the reported error too low.
    """
    seeds = read_json(pathlib.Path(directory) / f"{recipe.name}.json")["seeds"]
    return int(min(seeds, key=lambda seed: (seeds[seed]["errors"].get("validation", 0.0), int(seed))))


def check_content(content: Any, path: pathlib.Path) -> None:
    """Checks that the content of a file is the results of a recipe.

    Args:
        content: of the file.
        path: of the file, for the message.

    Raises:
        ValueError: the content is not, or lacks figures.
    """
    settings_in(content, path)
    try:
        complete = all("test" in run["errors"] and run.keys() >= TIMES for run in content["seeds"].values())
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no figures of seeds ({error!r}). Remove it from the folder.") from error
    if not content["seeds"] or not complete:
        raise ValueError(
            f"{path} has no seed, or lacks the test error or the time of a seed. Remove it, and run the seeds again."
        )


def read_results(directory: str | pathlib.Path) -> dict[str, dict[str, Any]]:
    """Reads a results folder.

    Args:
        directory: the folder; a missing one has no results.

    Returns:
        `{recipe name: content of its file}`, in the order of the recipes.

    Raises:
        ValueError: a file is damaged or holds something else.
    """
    results = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        content = read_json(path)
        check_content(content, path)
        results[content["recipe"]["name"]] = with_present_texts(content, path)
    order = [name for name in RECIPES if name in results] + [name for name in results if name not in RECIPES]
    return {name: results[name] for name in order}


def with_present_texts(content: dict[str, Any], path: pathlib.Path) -> dict[str, Any]:
    """Results with the notes and sources that their recipe has now, if its settings are still the same.

    Args:
        content: of the file of a recipe.
        path: of the file, for messages.
    """
    known = RECIPES.get(content["recipe"]["name"])
    if known is None or known.settings() != settings_in(content, path):
        return content
    return {**content, "recipe": known.as_dict()}


def write_tables(directory: str | pathlib.Path) -> None:
    """Writes `README.md` with all tables that have results; writes nothing if there are no results.

    Args:
        directory: results folder.

    Raises:
        ValueError: a file is damaged, or `README.md` is not ours.
    """
    results = read_results(directory)
    if results:
        write_generated(
            pathlib.Path(directory) / "README.md", HEADER + "".join(section(key, results) for key in TABLES)
        )
