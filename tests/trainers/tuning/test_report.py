"""The report of a search."""

import json
import shlex

import pytest

from trainers.cli.recipe_flags import parse_overrides
from trainers.tuning.report import best_trial, table, write_report
from trainers.tuning.trial import Trial
from zoo import recipes
from zoo.recipes.search import Search

EPSILON, UNITS = "regularizers.vat.epsilon", "network.hidden_units"
REAL = {"min": 0.01, "max": 10.0, "sampling": "log"}
SEARCH = Search({EPSILON: REAL, UNITS: {"values": [[8], [8, 8]]}}, num_seeds=2)


def trial(number, errors, failure=None, epsilon=0.5, units=(8,)):
    seeds = {str(1000 + i): {"validation_error": e, "epochs": 3, "seconds": 1.5} for i, e in enumerate(errors)}
    return Trial(number, {EPSILON: epsilon, UNITS: list(units)}, seeds, failure)


TRIALS = [
    trial(0, [2.0, 3.0]),
    trial(1, [0.1], "FloatingPointError with seed 1001: nan | in\nepoch 1"),
    trial(2, [1.5, 0.5], epsilon=0.25, units=(8, 8)),
    trial(3, [1.0, 1.0]),
    trial(4, [0.2]),
    trial(5, [], "MemoryError with seed 1000: too large"),
]


def test_the_best_is_complete_and_the_earliest_of_equals():
    assert best_trial(TRIALS, SEARCH) is TRIALS[2]
    assert best_trial([TRIALS[1], TRIALS[4]], SEARCH) is None


def test_table_has_the_best_first_and_every_trial():
    rows = [[cell.strip() for cell in line[2:-2].split(" | ")] for line in table(TRIALS, SEARCH).splitlines()]
    assert rows[0] == ["trial", EPSILON, UNITS, "validation error", "epochs", "seconds"]
    assert rows[2] == ["2", "0.25", "[8, 8]", "1.00 ± 0.71", "6", "3"]
    assert [row[0] for row in rows[2:]] == ["2", "3", "0", "5", "1", "4"]
    assert rows[6][3] == "FloatingPointError with seed 1001: nan \\| in epoch 1" and rows[7][3] == "unfinished"


def test_the_report_and_its_command(tmp_path):
    recipe = recipes.get("synthetic_mlp-vat")
    best, command = write_report(tmp_path, recipe.name, {"batch_size": 40}, SEARCH, TRIALS)
    program, *flags = shlex.split(command)[2:]
    assert program == "trainers.train" and flags[0] == f"--recipe={recipe.name}"
    overrides = parse_overrides([flag.removeprefix("--override=") for flag in flags[1:]])
    assert overrides == json.loads((tmp_path / "best.json").read_text()) == {"batch_size": 40, **best.values}
    assert recipe.override(overrides).regularizers["vat"]["epsilon"] == 0.25
    content = json.loads((tmp_path / "trials.json").read_text())
    assert content["search"]["space"] == SEARCH.space and len(content["trials"]) == len(TRIALS)
    assert content["trials"][2]["validation_error"] == 1.0
    text = (tmp_path / "README.md").read_text()
    assert command in text and "6 trials of 2 trainings each, 2 failed" in text


def test_picture_of_a_search(tmp_path):
    pytest.importorskip("matplotlib")
    write_report(tmp_path, "synthetic_mlp-vat", {}, SEARCH, TRIALS)
    assert (tmp_path / "trials.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "best.json", "trials.json", "trials.png"}


def test_a_search_without_a_complete_trial_has_no_best(tmp_path):
    assert write_report(tmp_path, "synthetic_mlp-vat", {}, SEARCH, [TRIALS[1]]) == (None, None)
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "trials.json"}
