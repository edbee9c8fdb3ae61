"""The command `tune`: from its flags to what it prints and writes."""

import json
import os
import shlex
import subprocess
import sys

import keras
import pytest

pytest.importorskip("keras_tuner")

from tests.support.terminal import Terminal
from trainers.cli.recipe_flags import choose_search
from trainers.runs import run
from trainers.tuning.search import tune
from zoo import recipes

EPSILON = "regularizers.vat.epsilon"
SMALL = ["network.hidden_units=[8]", "batch_size=200"]
VAT = {"name": "synthetic_mlp-vat", "spaces": [f"{EPSILON}=log:0.01:10.0"]}
PLAIN = {"name": "synthetic_mlp-baseline", "spaces": ["learning_rate=log:0.001:0.1"]}  # quick to compile


def search(folder, *, name, spaces, overrides=(), deadline=None, **given):
    """Runs a search without absl flags, which would clash with those of other commands in this process."""
    given = {"epochs": 2, "num_validation": 200, **given}
    text, content = tune(name, [*SMALL, *overrides], spaces, given, str(folder), deadline)
    print(text)
    return content


def trials(folder):
    """The trials that a search recorded, without the times."""
    content = json.loads((folder / "trials.json").read_text())
    for trial in content["trials"]:
        for figures in trial["seeds"].values():
            del figures["seconds"]
    return content["trials"]


def test_the_table_lists_diverging_trials_and_the_command_prints_the_best(tmp_path, capsys):
    diverging = ["optimizer.name=sgd", "schedule=constant", "network.batch_normalization=false"]
    spaces = ["learning_rate=1e30,0.01,0.1"]
    content = search(tmp_path, name=PLAIN["name"], spaces=spaces, overrides=diverging, engine="grid")
    first, *others = trials(tmp_path)
    assert first["values"] == {"learning_rate": 1e30} and "epoch 1, step" in first["failure"]
    assert all(trial["failure"] is None and trial["validation_error"] <= 100 for trial in others)
    assert all((trial["validation_error"] * 2) % 1 == 0 for trial in others)  # of 200 examples
    printed, text = capsys.readouterr().out, (tmp_path / "README.md").read_text()
    assert "| 0 | 1e+30 | FloatingPointError" in text and "3 trials of 1 trainings each, 1 failed" in text
    best = json.loads((tmp_path / "best.json").read_text())
    assert best["learning_rate"] in (0.01, 0.1) and best["optimizer.name"] == "sgd"
    command = printed.splitlines()[-1]
    assert command.startswith(f"python -m trainers.train --recipe={PLAIN['name']}") and command in text
    found = json.loads(json.dumps(content))
    errors = [trial["validation_error"] for trial in found["trials"] if not trial["failure"]]
    assert found["best"]["validation_error"] == min(errors) and found["best"]["values"].items() <= best.items()
    assert (found["command"], found["stopped"]) == (command, None)


def test_a_killed_search_ends_like_an_undisturbed_one(tmp_path, monkeypatch):
    search(tmp_path / "undisturbed", **PLAIN, num_trials=2)
    save, begun, ended = run.Checkpoint._save, [], []

    class Killed(BaseException):
        pass

    def count(checkpoint):
        save(checkpoint)
        (ended if checkpoint.state["finished"] else begun).append(str(checkpoint.directory).split("trials")[1])
        if len(begun) == 3:
            raise Killed

    monkeypatch.setattr(run.Checkpoint, "_save", count)
    with pytest.raises(Killed):  # in the second trial, between its two epochs
        search(tmp_path / "killed", **PLAIN, num_trials=2)
    search(tmp_path / "killed", **PLAIN, num_trials=2)
    assert trials(tmp_path / "killed") == trials(tmp_path / "undisturbed")
    assert len(ended) == len(set(ended)) == 2 and len(begun) == 4  # two epochs of each training, none twice


def test_a_search_out_of_time_resumes(tmp_path, capsys):
    content = search(tmp_path, **PLAIN, num_trials=1, deadline=0.0)
    printed = capsys.readouterr().out
    assert "out of time after 1 epochs" in printed and "Best" not in printed
    assert "out of time" in content["stopped"] and content["best"] is None
    search(tmp_path, **PLAIN, num_trials=1)
    assert "Best: trial 0" in capsys.readouterr().out


def test_a_bar_counts_the_epochs_of_a_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    search(tmp_path, **PLAIN, num_trials=1)
    shown = sys.stderr.getvalue()
    assert all(f"{epoch}/2" in shown for epoch in range(3)) and "s/epoch" in shown


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="equal on both backends; JAX starts sooner")
def test_the_printed_command_trains_these_values(tmp_path, capsys):
    search(tmp_path / "search", **VAT, num_trials=1, epochs=1)
    program, *arguments = shlex.split(capsys.readouterr().out.splitlines()[-1])
    arguments += ["--epochs=1", "--noexport", "--verbose=0", f"--workdir={tmp_path}/run"]
    done = subprocess.run([sys.executable, *arguments], env={**os.environ}, capture_output=True, text=True)
    assert program == "python" and done.returncode == 0, done.stderr
    trained = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]
    best = json.loads((tmp_path / "search" / "best.json").read_text())
    assert trained["regularizers"]["vat"]["epsilon"] == best[EPSILON]
    assert trained["network"]["hidden_units"] == [8] and trained["batch_size"] == 200


def test_a_recipes_own_search_is_the_default():
    recipe = recipes.get("mnist_mlp-at_l2")
    chosen = choose_search(recipe, [], {"num_seeds": 4})
    assert chosen.space == recipe.search["space"] and chosen.epochs == recipe.search["epochs"]
    assert (chosen.engine, chosen.num_validation, chosen.num_seeds) == ("grid", 10000, 4)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"name": "synthetic_mlp-vta"}, "Did you mean 'synthetic_mlp-vat'"),
        ({"name": "synthetic_mlp-baseline", "spaces": []}, "records no search"),
        ({"spaces": ["regularizers.vat.epsilom=1,2"]}, "Did you mean 'epsilon'"),
        ({"spaces": ["epoch=1,2"]}, "Did you mean 'epochs'"),
        ({"spaces": [f"{EPSILON}=log:0:1"]}, "must be above 0, received 0"),
        ({"spaces": [f"{EPSILON}="]}, "must be a list of different values"),
        ({"spaces": ["thesis_dens"]}, "Did you mean 'thesis_dense'"),
        ({"spaces": ["nowhere.json"]}, "nowhere.json"),
        ({"engine": "baysian"}, "Unknown engine 'baysian'. Did you mean 'bayesian'"),
    ],
)
def test_bad_value_is_named_with_what_is_allowed(tmp_path, values, message):
    with pytest.raises((ValueError, OSError), match=message):
        search(tmp_path / "search", **{**VAT, **values})
    assert not (tmp_path / "search").exists()
