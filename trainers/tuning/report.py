"""What a search found: a table and a picture of its trials, and the best as an override of the recipe."""

import dataclasses
import importlib.util
import json
import pathlib

import numpy as np

from trainers.cli.recipe_flags import override_flags
from trainers.results.store import as_json
from zoo.files import write_atomic

README = """# Search: {name}

Engine `{engine}`, seed {seed}; {trials} trials of {num_seeds} trainings each, {failed} failed. Validation error in per
cent, mean ± standard deviation over the seeds; epochs and seconds over all seeds.

{table}{best}"""
BEST = """
Best: trial {number}. To train with its values (also in `best.json`):

```sh
{command}
```
"""


def best_trial(trials, search):
    """The complete trial of the lowest mean validation error, the earliest of equals; None if none is complete."""
    complete = [trial for trial in trials if trial.is_complete(search)]
    return min(complete, key=lambda trial: (trial.error, trial.number), default=None)


def train_command(name, assignments):
    """The command that trains a recipe with these fields changed."""
    return " ".join([f"python -m trainers.train --recipe={name}", *override_flags(assignments)])


def table(trials, search):
    """All trials, the best first, the failed and the unfinished last."""
    ordered = sorted(trials, key=lambda trial: (not trial.is_complete(search), trial.error if trial.errors else 0.0))
    lines = [f"| trial | {' | '.join(search.space)} | validation error | epochs | seconds |"]
    lines.append("|---" * (len(search.space) + 4) + "|")
    for trial in ordered:
        values = [json.dumps(trial.values[path]) for path in search.space]
        spread = "" if trial.spread is None else f" ± {trial.spread:.2f}"
        error = f"{trial.error:.2f}{spread}" if trial.is_complete(search) else trial.failure or "unfinished"
        totals = [sum(run[name] for run in trial.seeds.values()) for name in ("epochs", "seconds")]
        cells = [
            str(trial.number),
            *values,
            error.replace("|", "\\|").replace("\n", " "),
            *(f"{n:.4g}" for n in totals),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(path, trials, search):
    """Draws the validation error against every searched field; trials that failed are crosses at the top.

    Args:
        path: of the picture.
        trials: list of `Trial`s, at least one complete.
        search: `Search`.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    complete = [trial for trial in trials if trial.is_complete(search)]
    failed = [trial for trial in trials if trial.failure]
    errors, spreads = [trial.error for trial in complete], [trial.spread or 0.0 for trial in complete]
    top = max(np.add(errors, spreads))
    figure, rows = pyplot.subplots(
        1, len(search.space), figsize=(1 + 4 * len(search.space), 4), layout="constrained", sharey=True, squeeze=False
    )
    for axes, (field, domain) in zip(rows[0], search.space.items(), strict=True):
        places = positions(axes, field, domain)
        axes.errorbar([places(trial) for trial in complete], errors, spreads, fmt="o", capsize=2, alpha=0.7)
        if failed:
            axes.plot([places(trial) for trial in failed], [top] * len(failed), "x", color="black", label="failed")
        best = best_trial(trials, search)
        axes.plot(places(best), best.error, "*", markersize=14, label=f"trial {best.number}")
        axes.set_xlabel(field)
    if min(errors) > 0:
        rows[0][0].set_yscale("log")  # of all axes: the error where training nearly fails would flatten the rest
    rows[0][0].set_ylabel("validation error in per cent")
    rows[0][0].legend()
    temporary = path.with_suffix(".part.png")
    figure.savefig(temporary, dpi=120)
    pyplot.close(figure)
    temporary.replace(path)


def positions(axes, field, domain):
    """Sets up an axis for a field's values; returns what maps a trial to its place there."""
    if "values" in domain:
        axes.set_xticks(range(len(domain["values"])), [json.dumps(value) for value in domain["values"]])
        return lambda trial: domain["values"].index(trial.values[field])
    axes.set_xscale(domain.get("sampling", "linear"))
    return lambda trial: trial.values[field]


def write_report(workdir, name, assignments, search, trials):
    """Writes `trials.json`, `README.md`, `best.json` and, where Matplotlib is installed, `trials.png`.

    Args:
        workdir: folder of the search.
        name: of the recipe.
        assignments: recipe fields that were changed for the whole search.
        search: `Search`.
        trials: list of `Trial`s.

    Returns:
        The best trial or None, and the command that trains with its values or None.
    """
    workdir, best, command = pathlib.Path(workdir), best_trial(trials, search), None
    listed = [{**dataclasses.asdict(t), "validation_error": t.error if t.seeds else None} for t in trials]
    content = {"recipe": name, "override": assignments, "search": dataclasses.asdict(search), "trials": listed}
    write_atomic(workdir / "trials.json", as_json(content))
    if best:
        chosen = {**assignments, **best.values}
        command = train_command(name, chosen)
        write_atomic(workdir / "best.json", json.dumps(chosen, indent=1) + "\n")
        if importlib.util.find_spec("matplotlib"):
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
