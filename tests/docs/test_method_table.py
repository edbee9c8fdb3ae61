"""The table in the README is what the files of results say."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from docs import method_table
from tests.support.documents import ROOT
from trainers.results.method_table import CIFAR10, METHODS
from trainers.results.tables import changed_settings
from zoo import recipes

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same on every backend")
FIRST = {  # the column of errors, and the names of its recipes
    1: ("synthetic_mlp-{}",),
    2: ("mnist_mlp-{}", "mnist_ladder-all_{}"),
    3: ("mnist_mlp1200-{}_100", "mnist_ladder-100_{}"),
}
ATTACK, STEP = 5, 6
TABLE = method_table.read()
RATIOS = {"jacobian": "jacobian_1", "full": "ladder", "adversarial": "ladder_adversarial"}


def read(*path):
    """A JSON file of the repository; None if there is none."""
    file = ROOT.joinpath(*path)
    return json.loads(file.read_text()) if file.exists() else None


def cells():
    """`{method: cells of its row}` of the table in the README."""
    lines = [line for line in method_table.README.read_text().splitlines() if line.startswith("| ")]
    start = next(index for index, line in enumerate(lines) if line.startswith("| method | synthetic |"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start + 1 :]]
    return {row[0].split("`")[1]: row for row in rows}


def figures(cell):
    """Mean, standard deviation or None, number of seeds, and published error or None, as a cell shows them."""
    ours, _, published = cell.partition(", published ")
    figure, _, seeds = ours.rstrip(")").partition(" (")
    mean, _, deviation = figure.partition(" ± ")
    return float(mean), float(deviation) if deviation else None, int(seeds), float(published) if published else None


def check_cell(cell, content):
    """A cell says what a file of results says; a dash if there is none, or one of other settings."""
    if content is None or changed_settings(content["recipe"]):
        assert cell == "–"
        return
    mean, deviation, seeds, published = figures(cell)
    errors = [run["errors"]["test"] for run in content["seeds"].values()]
    assert mean == pytest.approx(np.mean(errors), abs=0.00501) and seeds == len(errors)
    assert (deviation is None) == (len(errors) == 1)
    assert deviation is None or deviation == pytest.approx(np.std(errors, ddof=1), abs=0.00501)
    assert published == recipes.get(content["recipe"]["name"]).published_error


def test_readme_has_the_table_of_these_results():
    assert method_table.render(TABLE) in method_table.README.read_text(), "Out of date: run `make docs`."


def test_the_table_has_every_method_with_results():
    names = {path.stem for path in (ROOT / "results").glob("*.json")}
    for method in METHODS:
        found = [name.format(method) for column in FIRST.values() for name in column]
        found += [each.replace("*", method) for each in CIFAR10]
        if method in cells():
            assert names & set(found)
        else:
            assert not {name for name in names & set(found) if not changed_settings(read("results", f"{name}.json"))}


@pytest.mark.parametrize("method", METHODS)
def test_row_says_what_the_files_say(method):
    if method not in cells():
        pytest.skip("no results yet")
    row = cells()[method]
    for column, names in FIRST.items():
        found = [content for name in names if (content := read("results", f"{name.format(method)}.json"))]
        assert len(found) < 2
        check_cell(row[column], found[0] if found else None)
    check_cell(row[4], read("results", f"{TABLE.cifar10.replace('*', method)}.json"))
    analyses = [read("results", "analysis", f"{name.format(method)}.json") for name in FIRST[2]]
    robust = [
        analysis["errors"]["autoattack"] for analysis in analyses if analysis and "autoattack" in analysis["errors"]
    ]
    assert row[ATTACK] == (f"{robust[0]['error']:.1f} (1)" if robust else "–")
    measured = [
        read("benchmarks", "measured", f"{network}-jax-cpu.json")["methods"] for network in ("mnist_mlp", "ladder")
    ]
    name = RATIOS.get(method, method)
    steps = [times[name]["ms"] / times["baseline"]["ms"] for times in measured if name in times]
    assert row[STEP] == (f"{steps[0]:.1f}" if steps else "–")


def test_rows_above_their_published_error_are_named():
    text = " ".join(method_table.README.read_text().split())
    for column in FIRST.values():
        for name in [each.format(method) for each in column for method in METHODS]:
            content = read("results", f"{name}.json")
            if content is None or changed_settings(content["recipe"]) or not content["recipe"]["published_error"]:
                continue
            runs = content["seeds"].values()
            errors = [run.get("errors_labeled_statistics", run["errors"])["test"] for run in runs]
            spread = np.std(errors, ddof=1) if len(errors) > 1 else 0.0
            excess = np.mean(errors) - recipes.get(name).published_error
            assert (f"`{name}` by {excess:.2f}" in text) == (excess > spread + 0.005), name


def test_the_command_trains_all_seeds_of_a_figure():
    seeds = read("results", "mnist_mlp-vat.json")["seeds"]
    command = f"python -m trainers.reproduce --recipes=mnist_mlp-vat --seeds={len(seeds)} --results=reproduced"
    (backend,) = {run["backend"] for run in seeds.values()}
    assert f"\nKERAS_BACKEND={backend} {command}\n" in method_table.how_to_reproduce(TABLE)


def with_results(**changed):
    return dataclasses.replace(TABLE, results={**TABLE.results, **changed})


def test_figures_of_other_settings_are_not_the_recipes():
    name = "mnist_mlp-vat"
    content = {**TABLE.results[name], "recipe": {**TABLE.results[name]["recipe"], "epochs": 3}}
    changed = with_results(**{name: content})
    assert changed.figure("MNIST", "vat") is None and changed.figure("synthetic", "vat") is not None


def test_cifar10_shows_the_family_that_has_results():
    assert CIFAR10[0] == "cifar10_conv_small-*"
    name = "cifar10_conv_small_30ep-vat"
    content = {
        "recipe": recipes.get(name).as_dict(),
        "seeds": {"0": {"errors": {"test": 9.5}, "backend": "tensorflow"}},
    }
    others = {key: each for key, each in TABLE.results.items() if not key.startswith("cifar10")}
    table = dataclasses.replace(TABLE, results={**others, name: content})
    assert method_table.error_cell(table.figure("CIFAR-10", "vat")) == "9.50 (1), published 9.62"
    notes = " ".join(method_table.notes(table).split())
    assert (
        "`cifar10_conv_small_30ep-*`" in notes
        and "CIFAR-10: 30 epochs; the published figures are from the VMT" in notes
    )
    assert "Trained on TensorFlow: CIFAR-10" in notes
