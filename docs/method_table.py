"""Writes the tables of `README.md` and of the guide `which-method.md` from `results/` and `benchmarks/measured/`.

python -m docs.method_table
"""

import json
import pathlib

from trainers.page.commands import backend_of
from trainers.results.store import read_results
from trainers.results.tables import as_mean_and_spread, as_published, changed_settings, matching, test_errors
from zoo.files import write_atomic
from zoo.recipes import RECIPES

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = read_results(ROOT / "results")
README = ROOT / "README.md"
GUIDE = ROOT / "docs" / "guides" / "which-method.md"
BEGIN, END = "<!-- written by make docs -->\n", "<!-- end -->\n"
STEPS = "mnist_mlp-jax-cpu.json"
HEAD = "| method | `zoo.` | needs labels | synthetic | MNIST | step time |\n|---|---|---|---|---|---|\n"
README_HEAD = "| command | published | ours (seeds) |\n|---|---|---|\n"
README_PATTERNS = ("synthetic_mlp-*", "mnist_mlp-*", "mnist_mlp1200-*", "mnist_ladder-*", "mnist_conv*", "cifar10_*")
# Rows that no paper has.
OURS = ("vat_vmt_shift", "vat_vmt_shift_ensemble", "vat_vmt_smooth", "vmt_smooth", "smoothness")
METHODS = {  # by the recipe's last part: the method, the class or argument, and whether it needs labels
    "baseline": ("none", "–", "–"),
    "dropout": ("dropout", "`networks.mlp(dropout=)`", "no"),
    "input_noise": ("Gaussian input noise", "`networks.mlp(input_noise_std=)`", "no"),
    "ensemble": ("ensemble of networks", "`networks.ensemble`", "no"),
    "at_l2": ("AT", "`AdversarialTraining`", "yes"),
    "vat": ("VAT", "`VirtualAdversarialTraining`", "no"),
    "vmt_shift": ("VMT, shift", "`VirtualMovementTraining`", "yes"),
    "vmt_smooth": ("VMT, smooth field", "`VirtualMovementTraining`", "yes"),
    "vat_vmt_shift": ("VAT + VMT, shift", "the sum of the two", "yes"),
    "vat_vmt_shift_ensemble": ("ensemble of VAT + VMT, shift", "`networks.ensemble`", "yes"),
    "vat_vmt_smooth": ("VAT + VMT, smooth field", "the sum of the two", "yes"),
    "smoothness": ("smoothness", "`Smoothness`", "no"),
    "jacobian": ("Jacobian penalty", "`JacobianPenalty`", "no"),
}


def content_of(name):
    """A recipe's results; None where there are none, or only those of other settings."""
    content = RESULTS.get(name)
    return None if content is None or changed_settings(content["recipe"]) else content


def error(name):
    """Mean test error of a recipe in per cent, its standard deviation and its seeds; a dash without results."""
    if (content := content_of(name)) is None:
        return "–"
    errors = test_errors(content).values()
    return f"{as_mean_and_spread(errors)} ({len(errors)})"


def render():
    """The table, as Markdown."""
    steps = json.loads((ROOT / "benchmarks" / "measured" / STEPS).read_text())["methods"]
    rows = []
    for method, cells in METHODS.items():
        step = f"{steps[method]['ratio']:.1f}" if method in steps else "–"
        rows.append((*cells, error(f"synthetic_mlp-{method}"), error(f"mnist_mlp-{method}"), step))
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def render_readme():
    """The main rows as Markdown, each with the command that makes it: the published ones that were run, and our own."""
    run = [name for name in matching(RECIPES, README_PATTERNS) if content_of(name)]
    rows = []
    for recipe in (RECIPES[name] for name in run):
        published = recipe.published_error
        if published is not None or recipe.name.split("-", 1)[1] in OURS:
            cells = (as_published(published), error(recipe.name))
            backend = backend_of(content_of(recipe.name)["seeds"].values())
            rows.append((f"`{backend}python -m trainers.train --recipe={recipe.name}`", *cells))
    return README_HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def insert(path, table):
    """Writes a table between a document's marks."""
    before, _, rest = path.read_text().partition(BEGIN)
    write_atomic(path, before + BEGIN + "\n" + table + "\n" + END + rest.partition(END)[2])


def main():
    insert(GUIDE, render())
    insert(README, render_readme())


if __name__ == "__main__":
    main()
