"""Writes the table of results in `README.md` from `results/`, `results/analysis/` and `benchmarks/measured/`.

python -m docs.method_table
"""

import pathlib
import textwrap

from trainers.analysis.report import read_analyses
from trainers.page.commands import backend_of
from trainers.results.markdown import table
from trainers.results.method_table import METHODS, MethodTable, read_step_times
from trainers.results.statistics import as_mean_and_spread
from trainers.results.store import read_results
from trainers.results.tables import as_published, labeled_errors, matching, shortfalls
from zoo.files import write_atomic
from zoo.recipes import RECIPES

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- written by make docs -->\n", "<!-- end -->\n"
EXAMPLE = "mnist_mlp-vat"  # the recipe whose command stands above the table
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow"}


def read():
    """The table of the repository's figures."""
    results = ROOT / "results"
    steps = read_step_times(ROOT / "benchmarks" / "measured")
    return MethodTable(read_results(results), read_analyses(results / "analysis"), steps)


def error_cell(figure):
    """Our test error in percent with its seeds, and the published one if there is one; a dash without results."""
    if figure is None:
        return "–"
    ours = f"{as_mean_and_spread(figure.errors)} ({len(figure.errors)})"
    return ours if figure.published is None else f"{ours}, published {as_published(figure.published)}"


def rows(methods):
    """The rows that have results: the method, then a cell for each column."""
    for method in methods.methods:
        errors = [error_cell(methods.figure(column, method)) for column in methods.columns]
        attacked, ratio = methods.attacked(method), methods.step_ratio(method)
        under_attack = f"{attacked.error:.1f} (1)" if attacked else "–"
        step = "–" if ratio is None else f"{ratio:.1f}"
        yield (f"{METHODS[method]} (`{method}`)", *errors, under_attack, step)


def how_to_reproduce(methods):
    """What stands above the table: the command of one figure, with its backend and all of its seeds."""
    seeds = methods.content(EXAMPLE)["seeds"]
    flags = f"--recipes={EXAMPLE} --seeds={len(seeds)} --results=reproduced"
    command = f"{backend_of(seeds.values())}python -m trainers.reproduce {flags}"
    return f"To reproduce a figure, train all of its seeds. For example, VAT on MNIST:\n\n```sh\n{command}\n```\n"


def backends(methods):
    """Which backend trained the figures of each column."""
    ran = {}
    for column in methods.columns:
        runs = [run for content in methods.contents([column]) for run in content["seeds"].values()]
        if used := " and ".join(sorted({BACKENDS[run["backend"]] for run in runs})):
            ran.setdefault(used, []).append(column)
    return ". ".join(f"Trained on {used}: {'; '.join(names)}" for used, names in ran.items())


def cifar10_note(methods):
    """What the CIFAR-10 column shows."""
    if not methods.contents(["CIFAR-10"]):
        return "CIFAR-10 has no results yet."
    recipe = RECIPES[methods.cifar10.replace("*", "baseline")]
    return f"CIFAR-10: {recipe.epochs} epochs; the published figures are from the {recipe.source}."


def ladder_note(methods):
    """The errors of the ladders with the statistics of their labeled inputs; empty if none was measured."""
    measured = {content["recipe"]["name"]: labeled_errors(content) for content in methods.contents()}
    told = [f"`{name}` {as_mean_and_spread(errors)}" for name, errors in measured.items() if errors]
    if not told:
        return ""
    return (
        "The table shows ladder networks with the statistics of all unlabeled inputs. The published figures use those "
        f"of the labeled inputs. With these, our errors are: {', '.join(told)}."
    )


def recipe_names(methods):
    """The names of the recipes of each column, with `*` for the method, as far as there are results."""
    for column, patterns in methods.columns.items():
        shown = [pattern for pattern in patterns if matching(methods.results, [pattern])]
        if shown:
            yield f"{column} `{'`, `'.join(shown)}`"


def notes(methods):
    """What the columns are, below the table."""
    recipes = "; ".join(recipe_names(methods))
    paragraphs = (
        f"To name a recipe, replace `*` by the code of its row: {recipes}. {backends(methods)}. "
        f"{cifar10_note(methods)}",
        ladder_note(methods),
        f"{methods.about_attack()} {methods.about_steps()}",
        shortfalls(methods.contents()).strip(),
    )
    return "\n".join(
        textwrap.fill(each, 120, break_on_hyphens=False, break_long_words=False) + "\n" for each in paragraphs if each
    )


def render(methods):
    """An example of a command, the table and the notes, as Markdown."""
    head = ("method", *methods.columns, "error under attack", "step time")
    return f"{how_to_reproduce(methods)}\n{table(head, rows(methods))}\n{notes(methods)}"


def insert(path, text):
    """Writes a text between the marks of a document."""
    before, _, rest = path.read_text().partition(BEGIN)
    write_atomic(path, before + BEGIN + "\n" + text + "\n" + END + rest.partition(END)[2])


def main():
    insert(README, render(read()))


if __name__ == "__main__":
    main()
