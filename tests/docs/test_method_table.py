"""The table of methods in the guide is what the results say."""

import json

import keras
import numpy as np
import pytest

from docs import method_table
from tests.support.documents import ROOT
from trainers.page.commands import backend_of
from trainers.results.tables import changed_settings
from zoo.recipes import RECIPES

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same on every backend")


def test_guide_has_the_table_of_these_results():
    assert method_table.render() in method_table.GUIDE.read_text(), "Out of date: run `make docs`."


def test_readme_has_the_table_of_these_results():
    assert method_table.render_readme() in method_table.README.read_text(), "Out of date: run `make docs`."


def test_readme_has_every_published_row_that_was_run():
    lines = method_table.render_readme().splitlines()[2:]
    rows = {line.split("|")[1].strip(): line.strip("|").split("|")[1:] for line in lines}
    for recipe in RECIPES.values():
        path = ROOT / "results" / f"{recipe.name}.json"
        if recipe.published_error is None or not path.exists():
            continue
        content = json.loads(path.read_text())
        if not changed_settings(content["recipe"]):
            command = f"`{backend_of(content['seeds'].values())}python -m trainers.train --recipe={recipe.name}`"
            assert float(rows[command][0]) == recipe.published_error
    assert len(rows) == len(lines)


def test_figures_of_other_settings_are_not_the_recipes(monkeypatch):
    name = "mnist_mlp-vat"
    content = {**method_table.RESULTS[name], "recipe": {**method_table.RESULTS[name]["recipe"], "epochs": 3}}
    monkeypatch.setattr(method_table, "RESULTS", {**method_table.RESULTS, name: content})
    assert method_table.error(name) == "–" and f"recipe={name}`" not in method_table.render_readme()


@pytest.mark.parametrize("method", method_table.METHODS)
def test_row_says_what_the_files_say(method):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in method_table.render().splitlines()[2:]]
    (row,) = [row for row in rows if row[0] == method_table.METHODS[method][0]]
    for column, family in ((3, "synthetic_mlp"), (4, "mnist_mlp")):
        path = ROOT / "results" / f"{family}-{method}.json"
        if not path.exists():
            assert row[column] == "–"
            continue
        errors = [seed["errors"]["test"] for seed in json.loads(path.read_text())["seeds"].values()]
        mean, _, rest = row[column].partition(" ")
        assert float(mean) == pytest.approx(np.mean(errors), abs=0.00501)
        assert rest.endswith(f"({len(errors)})")
        if len(errors) > 1:
            assert float(rest.split()[1]) == pytest.approx(np.std(errors, ddof=1), abs=0.00501)
    measured = json.loads((ROOT / "benchmarks" / "measured" / method_table.STEPS).read_text())["methods"]
    expected = f"{measured[method]['ms'] / measured['baseline']['ms']:.1f}" if method in measured else "–"
    assert row[5] == expected
