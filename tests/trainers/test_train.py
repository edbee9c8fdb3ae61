"""The training program as a user runs it: in a process of its own, from the command line."""

import json
import os
import subprocess
import sys

import keras
import pytest

from trainers.train import parse_override

BACKEND = keras.backend.backend()
SHORT = ["--epochs=3", "--override=network.hidden_units=[8]", "--verbose=0"]


def run(program, *arguments, check=True, **environment):
    command = [sys.executable, "-m", f"trainers.{program}", *map(str, arguments)]
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, "CUDA_VISIBLE_DEVICES": "-1", **environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run: its workdir, results folder, models folder and what it printed."""
    folder = tmp_path_factory.mktemp("run")
    flags = [f"--workdir={folder}/work", f"--results={folder}/results", f"--saved_models={folder}/models"]
    return folder, flags, run("train", *SHORT, *flags).stdout


def test_run_prints_error_beside_the_published_one_and_writes_everything(finished):
    folder, _, printed = finished
    result = json.loads((folder / "work" / "result.json").read_text())
    assert f"test error: {result['errors']['test']:.2f} %" in printed
    assert "published test error: 0.76 % (VMT paper, table 2)" in printed
    assert result["backend"] == BACKEND and result["epochs"] == 3
    card = json.loads((folder / "models" / "synthetic_mlp-vat" / "card.json").read_text())
    assert card["training"]["backend"] == BACKEND and card["recipe"]["epochs"] == 3 and card["seed"] == 0
    assert card["errors"]["test"] == pytest.approx(result["errors"]["test"], abs=0.05)
    assert "synthetic_mlp-vat" in (folder / "models" / "README.md").read_text()
    assert list((folder / "work" / "member-0" / "tensorboard").iterdir())
    recorded = json.loads((folder / "results" / "synthetic_mlp-vat.json").read_text())
    assert recorded["seeds"]["0"]["errors"] == result["errors"]


def test_evaluate_gives_the_error_on_the_card(finished):
    folder, _, _ = finished
    card = json.loads((folder / "models" / "synthetic_mlp-vat" / "card.json").read_text())
    flags = ["--model=synthetic_mlp-vat", f"--saved_models={folder}/models"]
    for split in ("test", "train"):
        printed = run("evaluate", *flags, f"--split={split}", KERAS_BACKEND="tensorflow").stdout
        assert f"error {card['errors'][split]:.2f} %" in printed
    done = run("evaluate", *flags, "--split=validation", check=False, KERAS_BACKEND="tensorflow")
    assert done.returncode == 1 and "without a validation split" in done.stderr


def test_finished_run_is_not_trained_again(finished):
    folder, flags, _ = finished
    before = (folder / "work" / "result.json").stat().st_mtime_ns
    run("train", *SHORT, *flags, "--noexport")
    assert (folder / "work" / "result.json").stat().st_mtime_ns == before


def test_workdir_of_another_run_is_refused(finished):
    _, flags, _ = finished
    done = run("train", *SHORT, *flags, "--seed=1", check=False)
    assert done.returncode == 1 and "seed is 0 there and 1 here" in done.stderr


def test_foreign_or_unwritable_workdir_is_refused(tmp_path):
    (tmp_path / "letters.txt").touch()
    done = run("train", *SHORT, f"--workdir={tmp_path}", check=False)
    assert done.returncode == 1 and "holds files of something else" in done.stderr
    done = run("train", *SHORT, f"--workdir={tmp_path}/letters.txt/x", check=False)
    assert done.returncode == 1 and "cannot be written" in done.stderr and "Traceback" not in done.stderr


def test_damaged_run_file_is_named(tmp_path):
    (tmp_path / "run.json").write_text("{")
    done = run("train", *SHORT, f"--workdir={tmp_path}", check=False)
    assert done.returncode == 1 and "run.json is damaged" in done.stderr


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--recipe=synthetic_mlp-vta", "Did you mean 'synthetic_mlp-vat'"),
        ("--override=epoch=3", "Did you mean 'epochs'"),
        ("--override=epochs", "field=value"),
        ("--epochs=0", "epochs"),
        ("--override=dataset=mnits", "mnits"),
        ("--override=regularizers.vmt.field=shfit", "Did you mean 'shift'"),
    ],
)
def test_bad_flag_names_value_and_what_is_allowed(tmp_path, flag, message):
    done = run("train", flag, f"--workdir={tmp_path}/work", check=False, TFDS_DATA_DIR=str(tmp_path))
    assert done.returncode == 1 and message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_diverging_run_stops_and_names_the_step(tmp_path):
    flags = ["--override=optimizer.name=sgd", "--override=learning_rate=1e30", "--override=schedule=constant"]
    done = run("train", *SHORT, *flags, f"--workdir={tmp_path}/work", check=False)
    assert done.returncode == 1 and "epoch 1, step" in done.stderr


def test_list_and_help_tell_a_user_what_there_is():
    assert "mnist_mlp-vat" in run("train", "--list").stdout
    printed = run("train", "--help", check=False).stdout
    assert "--recipe" in printed and "resumes a run" in printed


def test_override_values_are_json_or_text():
    assert parse_override("learning_rate=0.5") == ("learning_rate", 0.5)
    assert parse_override("network.hidden_units=[3, 4]") == ("network.hidden_units", [3, 4])
    assert parse_override("regularizers.vmt.field=shift") == ("regularizers.vmt.field", "shift")
