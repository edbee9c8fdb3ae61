"""The command `train` as a user runs it: in a separate process, from the command line."""

import json
import os
import subprocess
import sys

import keras
import pytest

from tests.support.run_programs import in_one_process
from trainers.runs import run as runs
from zoo import recipes

BACKEND = keras.backend.backend()


def run(program, *arguments, check=True):
    """Runs a command as a user does."""
    command = [sys.executable, "-m", f"trainers.{program}", *map(str, arguments)]
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def short(folder):
    """The flags of a short run with all its files in one folder."""
    small = ["--recipe=synthetic_mlp-vat", "--epochs=3", "--override=network.hidden_units=[8]"]
    return [*small, f"--workdir={folder}/work", f"--results={folder}/results", f"--saved_models={folder}/models"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run in a separate process: the folder of its workdir, results and models, and what it printed."""
    folder = tmp_path_factory.mktemp("run")
    return folder, run("train", *short(folder)).stdout


def test_run_prints_ours_and_the_published_error_and_writes_everything(finished):
    folder, printed = finished
    result = json.loads((folder / "work" / "result.json").read_text())
    assert f"test error: {result['errors']['test']:.2f} %" in printed
    assert "published test error: 0.76 % (VMT paper, table 2)" in printed
    assert f"Checkpoints and logs: {folder}/work" in printed and "\nNext:\n" in printed
    assert result["backend"] == BACKEND and result["epochs"] == 3
    card = json.loads((folder / "models" / "synthetic_mlp-vat" / "card.json").read_text())
    assert card["training"]["backend"] == BACKEND and card["recipe"]["epochs"] == 3 and card["seed"] == 0
    assert card["errors"]["test"] == pytest.approx(result["errors"]["test"], abs=0.05)
    assert "synthetic_mlp-vat" in (folder / "models" / "README.md").read_text()
    assert list((folder / "work" / "member-0" / "tensorboard").iterdir())
    recorded = json.loads((folder / "results" / "synthetic_mlp-vat.json").read_text())
    assert recorded["seeds"]["0"]["errors"] == result["errors"]


@pytest.mark.skipif(BACKEND == "jax", reason="trainers.evaluate reads SavedModels with TensorFlow on every backend")
def test_evaluate_measures_the_error_on_the_card(finished):
    folder, _ = finished
    card = json.loads((folder / "models" / "synthetic_mlp-vat" / "card.json").read_text())
    flags = ["--model=synthetic_mlp-vat", f"--saved_models={folder}/models"]
    assert f"error {card['errors']['train']:.2f} %" in run("evaluate", *flags, "--split=train").stdout
    sign = ["--split=train", "--attack=sign", "--epsilon=0.5"]
    words = [*sign, "--json"], [*sign, "--statistics=batch", "--batch_size=100"], ["--split=validation"]
    attacked, weak, without = in_one_process([["evaluate", *flags, *each] for each in words])
    content = json.loads(attacked[1])
    assert content["error"] > card["errors"]["train"] + 10
    told = {"model": "synthetic_mlp-vat", "dataset": "synthetic", "split": "train", "num_examples": 1000}
    assert content.items() >= {**told, "attack": "sign", "epsilon": 0.5, "statistics": "moving"}.items()
    assert weak[0] == 0 and "sign attack with epsilon 0.5 through batch statistics" in weak[1]
    assert without[0] == 2 and "without a validation split" in without[2]
    for flag in ("--epsilon=0.5", "--statistics=batch"):
        done = run("evaluate", *flags, flag, check=False)
        assert done.returncode == 2 and f"{flag} needs an attack" in done.stderr


def test_with_json_standard_output_is_one_object(finished):
    folder, _ = finished
    content = json.loads(run("train", *short(folder), "--json").stdout)
    result = json.loads((folder / "work" / "result.json").read_text())
    assert {key: content[key] for key in result if key != "curves"} == {
        k: v for k, v in result.items() if k != "curves"
    }
    assert content["published_error"] == 0.76 and content["saved_model"] == f"{folder}/models/synthetic_mlp-vat"


def test_a_run_out_of_time_resumes_and_ends_like_an_undisturbed_one(main, tmp_path, capsys):
    assert main(workdir=f"{tmp_path}/undisturbed") is None
    for epochs in (1, 2):
        assert main(workdir=f"{tmp_path}/work", minutes=0.0) is None
        assert f"out of time after {epochs} epochs" in capsys.readouterr().out
        assert not (tmp_path / "work" / "result.json").exists()
    assert main(workdir=f"{tmp_path}/work") is None
    undisturbed, resumed = (
        json.loads((tmp_path / folder / "result.json").read_text()) for folder in ("undisturbed", "work")
    )
    for field in ("errors", "losses", "curves", "epochs", "configuration"):
        assert resumed[field] == undisturbed[field]
    assert len(resumed["curves"]["worst_shift"]) == 4  # before the first epoch and after each of three


def test_finished_run_is_not_trained_again(finished, main):
    folder, _ = finished
    before = (folder / "work" / "result.json").stat().st_mtime_ns
    assert main(workdir=f"{folder}/work") is None
    assert (folder / "work" / "result.json").stat().st_mtime_ns == before


def test_workdir_of_another_run_is_refused(finished, main):
    folder, _ = finished
    assert "seed is 0 there and 1 here" in main(workdir=f"{folder}/work", seed=1)


def test_foreign_unwritable_or_damaged_workdir_is_refused(tmp_path, main):
    (tmp_path / "letters.txt").touch()
    assert "holds other files" in main(workdir=str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
    assert "cannot be written" in main(workdir=f"{tmp_path}/letters.txt/work")
    (tmp_path / "damaged" / "member-0").mkdir(parents=True)
    (tmp_path / "damaged" / "run.json").write_text("{")
    assert "run.json is damaged" in main(workdir=f"{tmp_path}/damaged")


@pytest.mark.parametrize(
    "values, message",
    [
        ({"recipe": "synthetic_mlp-vta"}, "Did you mean 'synthetic_mlp-vat'"),
        ({"override": ["epoch=3"]}, "Did you mean 'epochs'"),
        ({"override": ["epochs"]}, "FIELD=VALUE"),
        ({"override": ["precision=mixed_bfloat"]}, "Did you mean 'mixed_bfloat16'"),
        ({"override": ["batch_size=0"]}, "batch_size must be at least 1, received 0"),
        ({"override": ["dataset=../mnist"]}, "'../mnist'"),
        ({"override": ["regularizers.vmt.field=shfit"]}, "Did you mean 'shift'"),
    ],
)
def test_bad_value_is_named_with_what_is_allowed(tmp_path, main, values, message):
    assert message in main(workdir=f"{tmp_path}/work", **values)


def test_a_refused_run_leaves_the_workdir_free(tmp_path, main):
    small = {"epochs": 1, "workdir": f"{tmp_path}/work"}
    assert "epsilon" in main(**small, override=["network.hidden_units=[4]", "regularizers.vat.epsilon=-1"])
    assert main(**small, override=["network.hidden_units=[4]"]) is None


def test_another_backend_cannot_resume_a_run(tmp_path, main):
    small = {"epochs": 2, "workdir": f"{tmp_path}/work", "override": ["network.hidden_units=[4]"]}
    assert main(**small, minutes=0.0) is None
    path = tmp_path / "work" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "backend": "torch"}))
    assert f"backend is 'torch' there and {keras.backend.backend()!r} here" in main(**small)


def test_pictures_on_several_hosts_are_refused(tmp_path):
    done = run("train", f"--workdir={tmp_path}/work", "--picture_interval=1", "--distribute=hosts", check=False)
    assert done.returncode == 2 and "received --picture_interval=1" in done.stderr


@pytest.mark.parametrize("flag, file", [("results", "{}.json"), ("saved_models", "{}/card.json")])
def test_a_changed_recipe_is_refused_before_training_if_it_would_replace_other_figures(tmp_path, main, flag, file):
    recipe = recipes.get("synthetic_mlp-vat")
    path = tmp_path / file.format(recipe.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"recipe": recipe.as_dict()}))
    changed = {"recipe": recipe.name, "epochs": 1, "export": True, "workdir": f"{tmp_path}/work"}
    assert "epochs is 100 there and 1 here" in main(**changed, **{flag: str(tmp_path)})
    assert not (tmp_path / "work").exists()


def test_diverging_run_stops_and_names_the_step(tmp_path, main):
    diverging = ["optimizer.name=sgd", "learning_rate=1e30", "schedule=constant", "network.batch_normalization=false"]
    error = main(workdir=f"{tmp_path}/work", override=["network.hidden_units=[8]", *diverging])
    assert "epoch 1, step" in error
    assert not list((tmp_path / "work" / "member-0").glob("epoch-*"))


def test_interrupted_run_ends_like_an_undisturbed_one(tmp_path, main, monkeypatch):
    assert main(workdir=f"{tmp_path}/undisturbed") is None

    class Killed(Exception):
        pass

    save = runs.Checkpoint._save

    def save_and_die(checkpoint):
        save(checkpoint)
        if checkpoint.state["epochs"] == 2:
            raise Killed

    monkeypatch.setattr(runs.Checkpoint, "_save", save_and_die)
    with pytest.raises(Killed):
        main(workdir=f"{tmp_path}/resumed")
    monkeypatch.undo()
    assert main(workdir=f"{tmp_path}/resumed") is None
    undisturbed, resumed = (
        json.loads((tmp_path / name / "result.json").read_text()) for name in ("undisturbed", "resumed")
    )
    for figure in ("errors", "losses", "epochs"):
        assert undisturbed[figure] == resumed[figure]


def test_list_and_help():
    assert "mnist_mlp-vat" in run("train", "--list").stdout
    assert json.loads(run("train", "--list", "--json").stdout)["mnist_mlp-vat"]["published_error"] == 0.64
    printed = run("train", "--help", check=False).stdout
    assert "--recipe" in printed and "resumes a stopped run" in printed
    assert "epochs" in run("train", "--epochs=0", check=False).stderr
