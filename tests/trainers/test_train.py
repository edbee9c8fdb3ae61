"""The command `train`: a run in a separate process, as a user starts it, and what later runs make of its folders."""

import json
import os
import sys

import keras
import pytest

from tests.support.run_programs import run, start, train
from trainers.runs import run as runs
from zoo import recipes

BACKEND = keras.backend.backend()


def short(folder):
    """The flags of a short run with all its files in one folder."""
    small = ["--recipe=synthetic_mlp-vat", "--epochs=3", "--override=network.hidden_units=[8]"]
    return [*small, f"--workdir={folder}/work", f"--results={folder}/results", f"--saved_models={folder}/models"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run in a separate process: the folder of its workdir, results and models, and what it printed."""
    folder = tmp_path_factory.mktemp("run")
    done = start("train", *short(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done


def test_run_prints_ours_and_the_published_error_and_writes_everything(finished):
    folder, done = finished
    printed = done.stdout
    result = json.loads((folder / "work" / "result.json").read_text())
    assert f"test error: {result['errors']['test']:.2f} %" in printed
    assert "published test error: 0.76 % (VMT paper, table 2)" in printed
    assert f"Checkpoints and logs: {folder}/work" in printed and "\nNext:\n" in printed
    assert "--attack=pgd_l2 --epsilon=0.1" in printed
    assert result["backend"] == BACKEND and result["epochs"] == 3
    card = json.loads((folder / "models" / "synthetic_mlp-vat" / "card.json").read_text())
    assert card["training"]["backend"] == BACKEND and card["recipe"]["epochs"] == 3 and card["seed"] == 0
    assert card["errors"]["test"] == pytest.approx(result["errors"]["test"], abs=0.05)
    assert "synthetic_mlp-vat" in (folder / "models" / "README.md").read_text()
    assert list((folder / "work" / "member-0" / "tensorboard").iterdir())
    recorded = json.loads((folder / "results" / "synthetic_mlp-vat.json").read_text())
    assert recorded["seeds"]["0"]["errors"] == result["errors"]


def test_a_run_its_export_and_evaluate_write_nothing_to_standard_error(finished):
    folder, done = finished
    assert not done.stderr
    weak = ["--split=train", "--attack=sign", "--epsilon=0.5", "--statistics=batch", "--batch_size=100"]
    done = start("evaluate", "--model=synthetic_mlp-vat", f"--saved_models={folder}/models", *weak)
    assert "sign attack with epsilon 0.5 through batch statistics" in done.stdout
    assert done.returncode == 0 and not done.stderr


@pytest.mark.skipif(BACKEND == "jax", reason="trainers.evaluate reads SavedModels with TensorFlow on every backend")
def test_evaluate_measures_the_error_on_the_card(finished):
    folder, _ = finished
    card = json.loads((folder / "models" / "synthetic_mlp-vat" / "card.json").read_text())
    line = ["evaluate", "--model=synthetic_mlp-vat", f"--saved_models={folder}/models"]
    status, out, _ = run(*line, "--split=train")
    assert status == 0 and f"error {card['errors']['train']:.2f} %" in out
    content = json.loads(run(*line, "--split=train", "--attack=sign", "--epsilon=0.5", "--json")[1])
    assert content["error"] > card["errors"]["train"] + 10
    told = {"model": "synthetic_mlp-vat", "dataset": "synthetic", "split": "train", "num_examples": 1000}
    assert content.items() >= {**told, "attack": "sign", "epsilon": 0.5, "statistics": "moving"}.items()
    for flag, message in {
        "--split=validation": "without a validation split",
        "--epsilon=0.5": "--epsilon=0.5 needs an attack",
        "--statistics=batch": "--statistics=batch needs an attack",
    }.items():
        status, _, err = run(*line, flag)
        assert status == 2 and message in err


def test_with_json_standard_output_is_one_object(finished, capfd):
    folder, _ = finished
    content = json.loads(train(*short(folder), "--json"))
    assert not capfd.readouterr().out  # from libraries that do not print with Python
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


def test_finished_run_is_not_trained_again(finished, main, capsys):
    folder, _ = finished
    before = (folder / "work" / "result.json").stat().st_mtime_ns
    assert main(workdir=f"{folder}/work") is None
    printed = capsys.readouterr().out
    assert "published test error" in printed and "Next:" not in printed  # because verbose is 0
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
        ({"export": False, "saved_models": "models"}, "Leave out --saved_models=models"),
        ({"num_processes": 2}, "--num_processes=2 needs --distribute=hosts"),
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


def test_pictures_on_several_hosts_are_refused(tmp_path, main, monkeypatch):
    statuses = []
    monkeypatch.setattr(os, "_exit", lambda status: (statuses.append(status), sys.exit(status)))
    error = main(workdir=f"{tmp_path}/work", picture_interval=1, distribute="hosts")
    assert statuses == [2] and "received --picture_interval=1" in error


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
    """All three runs are compiled by XLA, which the other tests spare themselves on TensorFlow."""
    assert main(workdir=f"{tmp_path}/undisturbed", xla=True) is None

    class Killed(Exception):
        pass

    save = runs.Checkpoint._save

    def save_and_die(checkpoint):
        save(checkpoint)
        if checkpoint.state["epochs"] == 2:
            raise Killed

    monkeypatch.setattr(runs.Checkpoint, "_save", save_and_die)
    with pytest.raises(Killed):
        main(workdir=f"{tmp_path}/resumed", xla=True)
    monkeypatch.undo()
    assert main(workdir=f"{tmp_path}/resumed", xla=True) is None
    undisturbed, resumed = (
        json.loads((tmp_path / name / "result.json").read_text()) for name in ("undisturbed", "resumed")
    )
    for figure in ("errors", "losses", "epochs"):
        assert undisturbed[figure] == resumed[figure]


def test_list_and_help():
    assert "mnist_mlp-vat" in start("train", "--list").stdout
    assert json.loads(start("train", "--list", "--json").stdout)["mnist_mlp-vat"]["published_error"] == 0.64
    printed = start("train", "--help").stdout
    assert "--recipe" in printed and "resumes a stopped run" in printed
    assert "epochs" in start("train", "--epochs=0").stderr
