"""A search: its folder, its checks, and a chief with two workers."""

import dataclasses
import json
import os
import socket
import subprocess
import sys

import keras
import pytest

pytest.importorskip("keras_tuner")

from trainers.results.lock import locked
from trainers.tuning import search as searches
from trainers.tuning.search import SEARCH_FILE, read_trials, run_search
from trainers.tuning.trial import Trial
from zoo import recipes
from zoo.recipes.search import Search

EPSILON = "regularizers.vat.epsilon"
RECIPE = recipes.get("synthetic_mlp-vat").override({"network.hidden_units": [8], "batch_size": 200})
SEARCH = Search({EPSILON: {"min": 0.01, "max": 10.0, "sampling": "log"}}, num_trials=6, epochs=1, num_validation=100)


@pytest.fixture
def quick(monkeypatch):
    """Replaces trials by instant ones; returns a set of numbers that shall fail, and the list of those that ran."""
    failing, ran = set(), []

    def run_trial(recipe, search, number, values, folder, deadline):
        trial = Trial.read(folder)
        if trial is None:
            ran.append(number)
            figures = {"validation_error": values[EPSILON], "epochs": recipe.epochs, "seconds": 0.0}
            trial = Trial(number, values, {} if number in failing else {"1000": figures})
            trial.failure = "FloatingPointError" if number in failing else None
            trial.write(folder)
        return trial

    monkeypatch.setattr(searches, "run_trial", run_trial)
    return failing, ran


def test_no_finished_trial_runs_again_and_more_may_follow(quick, tmp_path):
    _, ran = quick
    run_search(RECIPE, SEARCH, tmp_path)
    first = read_trials(tmp_path)
    assert ran == [trial.number for trial in first] == [0, 1, 2, 3, 4, 5]
    assert all(trial.seeds["1000"]["epochs"] == 1 for trial in first)
    run_search(RECIPE, SEARCH, tmp_path)
    assert len(ran) == 6
    run_search(RECIPE, dataclasses.replace(SEARCH, num_trials=12), tmp_path)
    assert ran == list(range(12)) and read_trials(tmp_path)[:6] == first


def test_two_searches_in_one_folder_are_refused(quick, tmp_path):
    with locked(tmp_path), pytest.raises(OSError, match="in use by"):
        run_search(RECIPE, SEARCH, tmp_path)


def test_failed_trials_do_not_end_a_search(quick, tmp_path):
    failing, ran = quick
    failing.update(range(5))
    run_search(RECIPE, SEARCH, tmp_path)
    assert ran == list(range(6)) and [bool(trial.failure) for trial in read_trials(tmp_path)] == [True] * 5 + [False]


def test_folder_of_another_search_or_with_other_files_is_refused(quick, tmp_path):
    run_search(RECIPE, SEARCH, tmp_path / "search")
    for other in ({"seed": 2}, {"epochs": 2}, {"engine": "grid"}):
        with pytest.raises(ValueError, match=f"another search: .*{next(iter(other))} is .* there and .* here"):
            run_search(RECIPE, dataclasses.replace(SEARCH, **other), tmp_path / "search")
    with pytest.raises(ValueError, match="batch_size is 200 there and 100 here"):
        run_search(RECIPE.override({"batch_size": 100}), SEARCH, tmp_path / "search")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").touch()
    with pytest.raises(ValueError, match="holds other files"):
        run_search(RECIPE, SEARCH, tmp_path / "letters")


def test_a_search_that_was_killed_early_starts_again(quick, tmp_path):
    (tmp_path / f".{SEARCH_FILE}.host-123").touch()
    run_search(RECIPE, SEARCH, tmp_path)
    assert len(read_trials(tmp_path)) == SEARCH.num_trials


@pytest.mark.parametrize(
    "space, message",
    [
        ({"regularizer.vat.epsilon": {"values": [1]}}, "'regularizer'. Did you mean 'regularizers'"),
        ({"regularizers.vat.epsilom": {"values": [1]}}, "Did you mean 'epsilon'"),
        ({"regularizers.vat.epsilon": {"min": -1.0, "max": 1.0}}, "has -1.0: epsilon must be .* received -1.0"),
        ({"batch_size": {"values": [20, 0]}}, "has 0: batch_size must be at least 1, received 0"),
        ({"dataset": {"values": ["mnist"]}}, "Unknown recipe field 'dataset'"),
        ({"network.name": {"values": ["mpl"]}}, "Did you mean 'mlp'"),
    ],
)
def test_fields_and_values_are_checked_before_any_trial(quick, tmp_path, space, message):
    with pytest.raises(ValueError, match=message):
        run_search(RECIPE, dataclasses.replace(SEARCH, space=space), tmp_path / "search")
    assert not quick[1] and not (tmp_path / "search").exists()


def test_the_error_without_kerastuner_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "keras_tuner", None)
    monkeypatch.delitem(sys.modules, "trainers.tuning.engines", raising=False)
    monkeypatch.delattr("trainers.tuning.engines", raising=False)
    with pytest.raises(ImportError, match=r"needs keras_tuner, .* pip install '.\[search\]'"):
        run_search(RECIPE, SEARCH, tmp_path)


def test_chief_and_workers_need_all_variables(monkeypatch):
    assert searches.role() == "alone"
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(ValueError, match="missing: KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_PORT"):
        searches.role()


def test_a_worker_without_a_chief_ends_with_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(searches, "CHIEF_SECONDS", 0)
    with pytest.raises(OSError, match="No chief started a search"):
        searches.wait_for_chief(tmp_path)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="equal on both backends; JAX starts sooner")
def test_a_chief_and_two_workers_run_every_trial_once(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "import sys; sys.modules['tensorflow'] = None; import runpy; sys.argv[0] = 'tune'; ",
    ]
    command[2] += "runpy.run_module('trainers.tune', run_name='__main__')"
    command += [f"--space={EPSILON}=log:0.01:10.0", "--trials=6", "--epochs=1", "--num_validation=100"]
    command += ["--override=network.hidden_units=[8]", "--override=batch_size=200", f"--workdir={tmp_path}/search"]
    common = {**os.environ, "KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
    processes = {}
    for name in ("worker-1", "worker-2", "chief"):
        environment = {**common, "KERASTUNER_TUNER_ID": name, "JAX_PLATFORMS": "cpu"}
        processes[name] = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    try:
        printed = {name: process.communicate(timeout=300)[0] for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
    assert all(process.returncode == 0 for process in processes.values()), printed
    ran = {
        name: [int(line.split()[1]) for line in text.splitlines() if line.startswith("trial ")]
        for name, text in printed.items()
    }
    assert sorted(ran["worker-1"] + ran["worker-2"]) == list(range(6)) and ran["chief"] == []
    content = json.loads((tmp_path / "search" / "trials.json").read_text())
    assert [trial["number"] for trial in content["trials"]] == list(range(6))
    assert "6 trials" in printed["chief"] and "Best: trial" in printed["chief"]
