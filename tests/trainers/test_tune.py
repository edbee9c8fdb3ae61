"""The search program as a user runs it."""

import json
import os
import shlex
import subprocess
import sys

import keras
import pytest
from absl import flags
from absl.testing import flagsaver

pytest.importorskip("keras_tuner")

from trainers import run, tune
from zoo import recipes

EPSILON = "regularizers.vat.epsilon"
SHORT = {
    "recipe": "synthetic_mlp-vat",
    "override": ["network.hidden_units=[8]", "batch_size=200"],
    "epochs": 2,
    "num_validation": 200,
    "space": [f"{EPSILON}=log:0.01:10.0"],
}


@pytest.fixture
def main():
    """Runs the program in this process, which spares the imports; returns the error it exits with."""
    flags.FLAGS.mark_as_parsed()

    def call(**values):
        with flagsaver.flagsaver(**{**SHORT, **values}):
            try:
                tune.main(["tune"])
            except SystemExit as end:
                return str(end.code)
        return None

    return call


def trials(folder):
    """What a search's table says, without the times."""
    content = json.loads((folder / "trials.json").read_text())
    for trial in content["trials"]:
        for figures in trial["seeds"].values():
            del figures["seconds"]
    return content["trials"]


def test_diverging_trials_stand_in_the_table_and_the_best_is_told(main, tmp_path, capsys):
    diverging = ["optimizer.name=sgd", "schedule=constant", "network.batch_normalization=false"]
    values = {"override": [*SHORT["override"], *diverging], "space": ["learning_rate=1e30,0.01,0.1"]}
    assert main(workdir=str(tmp_path), engine="grid", **values) is None
    first, *others = trials(tmp_path)
    assert first["values"] == {"learning_rate": 1e30} and "epoch 1, step" in first["failure"]
    assert all(trial["failure"] is None and trial["validation_error"] <= 100 for trial in others)
    assert all((trial["validation_error"] * 2) % 1 == 0 for trial in others)  # of 200 examples
    printed, text = capsys.readouterr().out, (tmp_path / "README.md").read_text()
    assert "| 0 | 1e+30 | FloatingPointError" in text and "3 trials of 1 trainings each, 1 failed" in text
    best = json.loads((tmp_path / "best.json").read_text())
    assert best["learning_rate"] in (0.01, 0.1) and best["optimizer.name"] == "sgd"
    command = printed.splitlines()[-1]
    assert command.startswith("python -m trainers.train --recipe=synthetic_mlp-vat") and command in text


def test_a_killed_search_ends_as_if_it_had_not_been(main, tmp_path, monkeypatch):
    values = {"trials": 2, "seeds": 2}
    assert main(workdir=f"{tmp_path}/whole", **values) is None
    save, begun, ended = run.Checkpoint._save, [], []

    class Killed(BaseException):
        pass

    def count(checkpoint):
        save(checkpoint)
        (ended if checkpoint.state["finished"] else begun).append(str(checkpoint.directory).split("trials")[1])
        if len(begun) == 5 and not ended[2:]:
            raise Killed

    monkeypatch.setattr(run.Checkpoint, "_save", count)
    with pytest.raises(Killed):  # in the second trial, in its first training, between two epochs
        main(workdir=f"{tmp_path}/killed", **values)
    assert main(workdir=f"{tmp_path}/killed", **values) is None
    assert trials(tmp_path / "killed") == trials(tmp_path / "whole")
    assert len(ended) == len(set(ended)) == 4 and len(begun) == 8  # two epochs of each training, none twice


def test_a_search_out_of_time_goes_on(main, tmp_path, capsys):
    assert main(workdir=str(tmp_path), trials=1, minutes=0.0) is None
    printed = capsys.readouterr().out
    assert "stopped for time after 1 epochs" in printed and "Best" not in printed
    assert main(workdir=str(tmp_path), trials=1) is None
    assert "Best: trial 0" in capsys.readouterr().out


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the same on both backends, and JAX starts sooner")
def test_the_printed_command_trains_these_values(main, tmp_path, capsys):
    assert main(workdir=f"{tmp_path}/search", trials=1, epochs=1) is None
    program, *arguments = shlex.split(capsys.readouterr().out.splitlines()[-1])
    arguments += ["--epochs=1", "--noexport", "--verbose=0", "--notensorboard", f"--workdir={tmp_path}/run"]
    done = subprocess.run([sys.executable, *arguments], env={**os.environ}, capture_output=True, text=True)
    assert program == "python" and done.returncode == 0, done.stderr
    trained = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]
    best = json.loads((tmp_path / "search" / "best.json").read_text())
    assert trained["regularizers"]["vat"]["epsilon"] == best[EPSILON]
    assert trained["network"]["hidden_units"] == [8] and trained["batch_size"] == 200


def test_a_recipes_own_search_is_the_default(main):
    recipe = recipes.get("mnist_mlp-at_l2")
    with flagsaver.flagsaver(space=[], epochs=None, num_validation=None, seeds=4):
        chosen = tune.chosen_search(recipe)
    assert chosen.space == recipe.search["space"] and chosen.epochs == recipe.search["epochs"]
    assert (chosen.engine, chosen.num_validation, chosen.num_seeds) == ("grid", 10000, 4)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"recipe": "synthetic_mlp-vta"}, "Did you mean 'synthetic_mlp-vat'"),
        ({"recipe": "synthetic_mlp-baseline", "space": []}, "has no search of its own"),
        ({"space": ["regularizers.vat.epsilom=1,2"]}, "Did you mean 'epsilon'"),
        ({"space": ["epoch=1,2"]}, "Did you mean 'epochs'"),
        ({"space": [f"{EPSILON}=log:0:1"]}, "must be above 0, received 0"),
        ({"space": [f"{EPSILON}="]}, "must be a list of different ones"),
        ({"space": ["thesis_dens"]}, "Did you mean 'thesis_dense'"),
        ({"space": ["nowhere.json"]}, "nowhere.json"),
        ({"engine": "baysian"}, "Unknown engine 'baysian'. Did you mean 'bayesian'"),
    ],
)
def test_bad_value_is_named_with_what_is_allowed(tmp_path, main, values, message):
    assert message in main(workdir=f"{tmp_path}/search", **values)
    assert not (tmp_path / "search").exists()
