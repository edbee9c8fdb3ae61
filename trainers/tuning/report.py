"""The report of a search: a table and a picture of its trials, and the best values as an override of the recipe."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from trainers.cli.recipe_flags import override_flags
from trainers.results import markdown
from trainers.results.store import as_json
from trainers.tuning.trial import Trial
from zoo.files import write_atomic
from zoo.optional import is_installed
from zoo.recipes.search import Search

README = """# Search: {name}

Engine `{engine}`, seed {seed}; {trials} trials of {num_seeds} trainings each, {failed} failed. Validation error in
percent, mean ± standard deviation over the seeds; epochs and seconds are sums over all seeds.

{table}{best}"""
BEST = """
Best: trial {number}. To train with its values (also in `best.json`):

```sh
{command}
```
"""


def best_trial(trials: Sequence[Trial], search: Search) -> Trial | None:
    """The complete trial with the lowest mean validation error, the earliest of equals; None if no trial is complete.

    Args:
        trials: to choose from.
        search: says when a trial is complete.
    """
    complete = [trial for trial in trials if trial.is_complete(search)]
    return min(complete, key=lambda trial: (trial.error, trial.number), default=None)


def train_command(name: str, assignments: Mapping[str, Any]) -> str:
    """The command that trains a recipe with some fields changed."""
    return " ".join([f"python -m trainers.train --recipe={name}", *override_flags(assignments)])


def table(trials: Sequence[Trial], search: Search) -> str:
    """All trials as a Markdown table: the best one first, failed and unfinished ones last.

    Args:
        trials: all of the search.
        search: names the fields.
    """
    ordered = sorted(trials, key=lambda trial: (not trial.is_complete(search), trial.error if trial.errors else 0.0))
    columns = ["trial", *search.space, "validation error", "epochs", "seconds"]
    return markdown.table(columns, [cells(trial, search) for trial in ordered])


def cells(trial: Trial, search: Search) -> list[str]:
    """The cells of a trial in the table."""
    values = [json.dumps(trial.values[path]) for path in search.space]
    error = trial.figure if trial.is_complete(search) else trial.failure or "unfinished"
    totals = [sum(run[name] for run in trial.seeds.values()) for name in ("epochs", "seconds")]
    return [str(trial.number), *values, error, *(f"{total:.4g}" for total in totals)]


def draw(path: pathlib.Path, trials: Sequence[Trial], search: Search) -> None:
    """Draws the validation error against every searched field; crosses at the top are failed trials.

    Args:
        path: of the picture.
        trials: at least one is complete.
        search: names the fields and their domains.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    complete = [trial for trial in trials if trial.is_complete(search)]
    failed = [trial for trial in trials if trial.failure]
    best = best_trial(trials, search)
    errors, spreads = [trial.error for trial in complete], [trial.spread for trial in complete]
    top = max(np.add(errors, spreads))
    figure, rows = pyplot.subplots(
        1, len(search.space), figsize=(1 + 4 * len(search.space), 4), layout="constrained", sharey=True, squeeze=False
    )
    for axes, (field, domain) in zip(rows[0], search.space.items(), strict=True):
        places = positions(axes, field, domain)
        axes.errorbar([places(trial) for trial in complete], errors, spreads, fmt="o", capsize=2, alpha=0.7)
        if failed:
            axes.plot([places(trial) for trial in failed], [top] * len(failed), "x", color="black", label="failed")
        axes.plot(places(best), best.error, "*", markersize=14, label=f"trial {best.number}")
        axes.set_xlabel(field)
    if min(errors) > 0:
        rows[0][0].set_yscale("log")  # on a linear scale, trials that nearly failed would flatten the rest
    rows[0][0].set_ylabel("validation error in percent")
    rows[0][0].legend()
    temporary = path.with_suffix(".part.png")
    figure.savefig(temporary, dpi=120)
    pyplot.close(figure)
    temporary.replace(path)


def positions(axes: Any, field: str, domain: Mapping[str, Any]) -> Callable[[Trial], Any]:
    """Sets up an axis for the values of a field.

    Args:
        axes: of Matplotlib.
        field: path of a recipe field.
        domain: of the field.

    Returns:
        A function from a trial to its position on the axis.
    """
    if "values" in domain:
        axes.set_xticks(range(len(domain["values"])), [json.dumps(value) for value in domain["values"]])
        return lambda trial: domain["values"].index(trial.values[field])
    axes.set_xscale(domain.get("sampling", "linear"))
    return lambda trial: trial.values[field]


def as_content(name: str, assignments: Mapping[str, Any], search: Search, trials: Sequence[Trial]) -> dict[str, Any]:
    """The content of `trials.json`."""
    listed = [as_figures(trial) for trial in trials]
    return {"recipe": name, "override": assignments, "search": dataclasses.asdict(search), "trials": listed}


def as_figures(trial: Trial) -> dict[str, Any]:
    """A trial as JSON values, with its mean validation error in percent; None before its first seed."""
    return {**dataclasses.asdict(trial), "validation_error": trial.error if trial.seeds else None}


def write_report(
    workdir: str | pathlib.Path, name: str, assignments: Mapping[str, Any], search: Search, trials: Sequence[Trial]
) -> tuple[Trial | None, str | None]:
    """Writes `trials.json`, `README.md`, `best.json` and, if Matplotlib is installed, `trials.png`.

    Args:
        workdir: folder of the search.
        name: of the recipe.
        assignments: recipe fields that were changed for the whole search.
        search: that ran.
        trials: of the search.

    Returns:
        The best trial, and the command that trains with its values; both None if no trial is complete.
    """
    workdir, best, command = pathlib.Path(workdir), best_trial(trials, search), None
    write_atomic(workdir / "trials.json", as_json(as_content(name, assignments, search, trials)))
    if best:
        chosen = {**assignments, **best.values}
        command = train_command(name, chosen)
        write_atomic(workdir / "best.json", json.dumps(chosen, indent=1) + "\n")
        if is_installed("matplotlib"):
            draw(workdir / "trials.png", trials, search)
    text = README.format(
        name=train_command(name, assignments) if assignments else name,
        **{key: getattr(search, key) for key in ("engine", "seed", "num_seeds")},
        trials=len(trials),
        failed=sum(trial.failure is not None for trial in trials),
        table=table(trials, search),
        best=BEST.format(number=best.number, command=command) if best else "",
    )
    write_atomic(workdir / "README.md", text)
    return best, command
