"""The command `reproduce` as a user runs it, with figures that need no training."""

import json

import pytest

from tests.support.run_programs import run
from trainers.results.statistics import as_mean_and_spread
from trainers.results.store import record_result
from zoo import recipes

ERRORS = (1.0, 2.0)


@pytest.fixture
def results(tmp_path):
    """A results folder with all seeds of a recipe."""
    recipe = recipes.get("synthetic_mlp-vat")
    for seed, error in enumerate(ERRORS):
        figures = {"seed": seed, "errors": {"test": error}, "seconds_per_epoch": 0.1, "epochs": 4}
        record_result(figures, recipe, tmp_path / "results")
    return tmp_path / "results"


def test_the_errors_stand_next_to_the_published_ones(results, tmp_path):
    folders = [f"--results={results}", f"--workdir={tmp_path}/runs"]
    line = ["reproduce", "--recipes=synthetic_mlp-vat", f"--seeds={len(ERRORS)}", *folders]
    (status, out, err), (json_status, json_out, json_err) = run(*line), run(*line, "--json")
    assert (status, err) == (0, "") and out.startswith("0 runs to do, 2 done.\n")
    (row,) = [text.split() for text in out.splitlines() if "synthetic_mlp-vat" in text]
    published = recipes.get("synthetic_mlp-vat").published_error
    assert " ".join(row).endswith(f"{as_mean_and_spread(ERRORS)} (2) {published:.2f}")
    assert out.endswith(f"Tables: {results}/README.md\n")
    found = json.loads(json_out)
    assert json_status == 0 and json_err == "0 runs to do, 2 done.\n"
    assert found["recipes"].keys() == {"synthetic_mlp-vat"}
    assert list(found["recipes"]["synthetic_mlp-vat"]["errors"].values()) == list(ERRORS)
    assert found["failed"] == found["export_failed"] == found["missing"] == []
