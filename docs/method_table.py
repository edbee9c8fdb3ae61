"""Writes the table of results in `README.md` from `results/`, `results/analysis/` and `benchmarks/measured/`.

python -m docs.method_table
"""

import json
import pathlib
import textwrap

from trainers.page.commands import backend_of
from trainers.results.markdown import table
from trainers.results.statistics import as_mean_and_spread
from trainers.results.store import read_results
from trainers.results.tables import as_published, changed_settings, errors_by_seed, shortfalls
from zoo.files import write_atomic
from zoo.recipes import RECIPES

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = read_results(ROOT / "results")
ANALYSIS = ROOT / "results" / "analysis"
MEASURED = ROOT / "benchmarks" / "measured"
README = ROOT / "README.md"
BEGIN, END = "<!-- written by make docs -->\n", "<!-- end -->\n"
STEP_FILES = ("mnist_mlp-jax-cpu.json", "ladder-jax-cpu.json")
STEP_NAMES = {"jacobian": "jacobian_1", "full": "ladder", "adversarial": "ladder_adversarial"}  # where they differ
ATTACK = "pgd_linf"
EXAMPLE = "mnist_mlp-vat"  # the recipe whose command stands above the table
METHODS = {  # by the last part of the names of its recipes
    "baseline": "none",
    "dropout": "dropout",
    "input_noise": "Gaussian input noise",
    "label_smoothing": "label smoothing",
    "augmentation": "augmentation",
    "ensemble": "ensemble of five",
    "at_linf": "AT, L∞",
    "at_l2": "AT, L2",
    "at_pgd": "AT, PGD",
    "trades": "TRADES",
    "vat": "VAT",
    "vmt_shift": "VMT, shift",
    "vmt_rotation": "VMT, rotation",
    "vmt_scale": "VMT, scale",
    "vmt_all": "VMT, these three",
    "vmt_smooth": "VMT, smooth",
    "vat_vmt_shift": "VAT + VMT, shift",
    "vat_vmt_all": "VAT + VMT, all",
    "vat_vmt_smooth": "VAT + VMT, smooth",
    "vat_vmt_shift_ensemble": "ensemble of VAT + VMT, shift",
    "smoothness": "smoothness",
    "jacobian": "Jacobian penalty",
    "full": "ladder network",
    "adversarial": "ladder, adversarial noise",
}
CIFAR10 = ("cifar10_conv_small-*", "cifar10_conv_small_30ep-*")  # the published number of epochs first
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow"}


def content_of(name):
    """The results of a recipe; None if there are none, or only those of other settings."""
    content = RESULTS.get(name)
    return None if content is None or changed_settings(content["recipe"]) else content


def cifar10_recipes():
    """The family of CIFAR-10 recipes in the table: the one that has results of more methods."""
    return max(CIFAR10, key=lambda names: sum(content_of(names.replace("*", method)) is not None for method in METHODS))


def columns():
    """`{heading: the names of its recipes, with * for the method}`."""
    return {
        "synthetic": ("synthetic_mlp-*",),
        "MNIST": ("mnist_mlp-*", "mnist_ladder-all_*"),
        "MNIST, 100 labels": ("mnist_mlp1200-*_100", "mnist_ladder-100_*"),
        "CIFAR-10": (cifar10_recipes(),),
    }


def contents(column, method):
    """The results of a method in a column: one or none."""
    found = (content_of(names.replace("*", method)) for names in columns()[column])
    return [content for content in found if content is not None]


def error_cell(column, method):
    """Our test error in percent with its seeds, and the published one if there is one; a dash without results."""
    for content in contents(column, method):
        errors, published = errors_by_seed(content).values(), content["recipe"]["published_error"]
        ours = f"{as_mean_and_spread(errors)} ({len(errors)})"
        return ours if published is None else f"{ours}, published {as_published(published)}"
    return "–"


def attacks(method):
    """The measured attack on the published MNIST model of a method: one or none."""
    for names in columns()["MNIST"]:
        path = ANALYSIS / f"{names.replace('*', method)}.json"
        if path.exists():
            return [json.loads(path.read_text())["errors"][ATTACK]]
    return []


def attack_cell(method):
    """The error of the published MNIST model under attack, with its one seed; a dash without a model."""
    return next((f"{attack['error']:.1f} (1)" for attack in attacks(method)), "–")


def measured_steps():
    """The content of each file of step times."""
    return [json.loads((MEASURED / name).read_text()) for name in STEP_FILES]


def step_cell(method):
    """The time of a training step as a multiple of that of the plain network; a dash if it was not measured."""
    name = STEP_NAMES.get(method, method)
    return next((f"{each['methods'][name]['ratio']:.1f}" for each in measured_steps() if name in each["methods"]), "–")


def rows():
    """The rows that have results: the method, then a cell for each column."""
    shown = [method for method in METHODS if any(contents(column, method) for column in columns())]
    for method in shown:
        errors = [error_cell(column, method) for column in columns()]
        yield (f"{METHODS[method]} (`{method}`)", *errors, attack_cell(method), step_cell(method))


def how_to_reproduce():
    """What stands above the table: the command of one figure, with its backend and all of its seeds."""
    seeds = content_of(EXAMPLE)["seeds"]
    flags = f"--recipes={EXAMPLE} --seeds={len(seeds)} --results=reproduced"
    command = f"{backend_of(seeds.values())}python -m trainers.reproduce {flags}"
    return f"To reproduce a figure, train all of its seeds. For example, VAT on MNIST:\n\n```sh\n{command}\n```\n"


def backends():
    """Which backend trained the figures of each column."""
    ran = {}
    for column in columns():
        runs = [run for method in METHODS for content in contents(column, method) for run in content["seeds"].values()]
        if used := " and ".join(sorted({BACKENDS[run["backend"]] for run in runs})):
            ran.setdefault(used, []).append(column)
    return ". ".join(f"Trained on {used}: {'; '.join(names)}" for used, names in ran.items())


def cifar10_note():
    """What the CIFAR-10 column shows."""
    if not any(contents("CIFAR-10", method) for method in METHODS):
        return "CIFAR-10 has no results yet."
    recipe = RECIPES[cifar10_recipes().replace("*", "baseline")]
    return f"CIFAR-10: {recipe.epochs} epochs; the published figures are from the {recipe.source}."


def notes():
    """What the columns are, below the table."""
    recipes = "; ".join(f"{column} `{'`, `'.join(names)}`" for column, names in columns().items())
    settings = next(attack["settings"] for method in METHODS for attack in attacks(method))
    steps, *_ = measured_steps()
    above = shortfalls(content for column in columns() for method in METHODS for content in contents(column, method))
    paragraphs = (
        f"Recipes, with the code of the row for `*`: {recipes}. {backends()}. {cifar10_note()}",
        f"Error under attack: {settings['num_steps']} steps of projected gradient descent with L∞ norm "
        f"{settings['size']:g} (pixels from 0 to 1) on the published MNIST model of one seed, "
        f"{settings['num_examples']} test images. Step time: multiple of the plain step of the MNIST network on JAX, "
        f"batches of {steps['batch_size']}, {steps['device']}; of ladders, multiple of the supervised step of their "
        f"encoder.",
        above.strip(),
    )
    return "\n".join(
        textwrap.fill(each, 120, break_on_hyphens=False, break_long_words=False) + "\n" for each in paragraphs if each
    )


def render():
    """An example of a command, the table and the notes, as Markdown."""
    head = ("method", *columns(), "error under attack", "step time")
    return f"{how_to_reproduce()}\n{table(head, rows())}\n{notes()}"


def insert(path, text):
    """Writes a text between the marks of a document."""
    before, _, rest = path.read_text().partition(BEGIN)
    write_atomic(path, before + BEGIN + "\n" + text + "\n" + END + rest.partition(END)[2])


def main():
    insert(README, render())


if __name__ == "__main__":
    main()
