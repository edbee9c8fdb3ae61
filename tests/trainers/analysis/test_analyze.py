"""Measurements of a small trained model: their values, their files, and their errors."""

import copy
import dataclasses
import inspect
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from trainers.analysis import files as analysis_files
from trainers.analysis import measurements
from trainers.analysis.files import measure_models, measure_once
from trainers.analysis.measurements import measure
from trainers.analysis.plan import num_figures, plan
from trainers.runs import run
from trainers.runs.data import splits
from zoo import recipes
from zoo.pretrained.card import CARD_FILE, model_sum, read_card, write_card

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="SavedModels are written by the TensorFlow backend"
)
NAME = "synthetic_mlp-vat"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one model after a short training."""
    folder = tmp_path_factory.mktemp("models")
    recipe = recipes.get(NAME).override({"network.hidden_units": [8], "epochs": 3})
    model, data, _ = run.train(recipe, 0, folder / "work", 0)
    card = {"recipe": recipe.as_dict(), "seed": 0}
    zoo.export(model, folder / "models" / NAME, card=card, splits=splits(data))
    return folder / "models"


@pytest.fixture
def models(trained, tmp_path):
    """A copy of the folder, for tests that damage it."""
    shutil.copytree(trained, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture(scope="module")
def moves():
    """By how many figures the progress bar moved."""
    return []


@pytest.fixture(scope="module")
def measured(trained, moves):
    return measure(trained / NAME, num_examples=50, move=moves.append)


@pytest.fixture
def measured_copy(measured):
    """The measurements, for tests that change them."""
    return copy.deepcopy(measured)


def alter_card(path, **fields):
    """Changes fields of a card and its checksum."""
    write_card(path, {**read_card(path), **fields})


def test_errors_and_gap_are_those_on_the_card(trained, measured):
    errors = read_card(trained / NAME)["errors"]
    assert measured["errors"]["clean"]["error"] == pytest.approx(errors["test"], abs=0.02)
    assert measured["measures"]["generalization_gap"]["value"] == pytest.approx(
        errors["test"] - errors["train"], abs=0.02
    )
    assert measured["model"] == NAME and measured["dataset"] == "synthetic" and measured["num_examples"] == 50
    attacks = [measured["errors"][name]["error"] for name in ("gaussian_noise", "fgsm_linf", "pgd_linf")]
    assert attacks[0] < attacks[1] <= attacks[2]


def test_measures_are_those_of_the_model(trained, measured):
    model, x = zoo.load(NAME, trained), zoo.datasets.load("synthetic").x_test[:50]
    squares = np.sum(zoo.analysis.jacobian(model, x) ** 2, axis=(1, 2))
    entry = measured["measures"]["jacobian_frobenius_squared"]
    assert entry["value"] == pytest.approx(squares.mean(), rel=1e-4)
    assert entry["standard_error"] == pytest.approx(squares.std(ddof=1) / np.sqrt(50), rel=1e-3)
    values = {name: entry["value"] for name, entry in measured["measures"].items()}
    assert 0 < values["fisher_largest_eigenvalue"] < values["jacobian_largest_eigenvalue"]
    assert values["jacobian_largest_eigenvalue"] < values["jacobian_frobenius_squared"] == entry["value"]
    assert 0 <= values["calibration_error"] <= 1


def test_every_figure_has_its_error_and_settings(measured):
    assert "rotation" not in measured["errors"] and "worst_rotation" not in measured["measures"]
    for entry in [*measured["errors"].values(), *measured["measures"].values()]:
        assert np.isfinite(entry["standard_error"]) and entry["settings"]["num_examples"] > 0
    json.loads(json.dumps(measured, allow_nan=False))


def test_progress_counts_every_figure(measured, moves):
    assert sum(moves) == len(measured["errors"]) + len(measured["measures"])
    assert num_figures({"errors": {"clean": {}, "sign": {}}, "curves": {"apgd_linf": {"sizes": [0.0, 0.1, 0.2]}}}) == 5


def test_models_with_a_current_file_are_skipped(models, tmp_path, monkeypatch):
    calls = []

    def pretend(path, num_examples, known, move, save):
        calls.append((num_examples, sorted(kind for kind, found in known.items() if found)))
        settings = plan(zoo.datasets.load("synthetic"), num_examples)
        kinds = {
            kind: {name: {"settings": options} for name, options in each.items()} for kind, each in settings.items()
        }
        save({"model": NAME, "sha256": model_sum(read_card(path)), **kinds})

    monkeypatch.setattr(analysis_files, "measure", pretend)
    steps = [(50, True), (50, False), (40, True), (40, False)]
    assert [measure_once(models / NAME, tmp_path / "out", number) for number, _ in steps] == [new for _, new in steps]
    alter_card(
        models / NAME, robust_error={"error": 1.0, "epsilon": 0.1, "num_examples": 9}
    )  # it is measured after the export: the model is the same
    assert not measure_once(models / NAME, tmp_path / "out", 40)
    alter_card(models / NAME, seed=1)
    assert measure_once(models / NAME, tmp_path / "out", 40)
    # The clean error is on all examples, whatever their number for attacks.
    assert calls == [(50, []), (40, ["errors"]), (40, [])]
    # The figures of the other model of this name were set aside.
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{NAME}.json", f"{NAME}.json.earlier"]


def test_an_interruption_loses_only_the_kind_of_figures_that_was_being_measured(trained, tmp_path, monkeypatch):
    file = tmp_path / f"{NAME}.json"

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(measurements, "measure_all", interrupted)
        measure_once(trained / NAME, tmp_path, 50)
    assert not file.exists()
    monkeypatch.setattr(measurements, "measure_errors", None)  # calling it would fail
    assert measure_once(trained / NAME, tmp_path, 50)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    content = json.loads(file.read_text())
    assert content["errors"] and content["measures"]
    # What is left of an interruption does not make a model that is up to date be measured again.
    file.with_suffix(".partial").write_text(json.dumps({**content, "measures": {}}))
    assert not measure_once(trained / NAME, tmp_path, 50)
    # Of an interruption after the last figure, all of them are left.
    file.rename(file.with_suffix(".partial"))
    assert not measure_once(trained / NAME, tmp_path, 50)
    assert json.loads(file.read_text()) == content and not file.with_suffix(".partial").exists()


def test_only_what_is_out_of_date_is_measured_again(trained, measured_copy, tmp_path, monkeypatch):
    file = tmp_path / f"{NAME}.json"
    old = {**measured_copy, "versions": {"older": "1"}}
    old["errors"]["clean"]["error"] = 12.5
    del old["curves"]
    old["measures"]["calibration_error"]["settings"]["num_bins"] = 5
    file.write_text(json.dumps(old))
    monkeypatch.setattr(measurements, "measure_errors", None)  # calling it would fail
    assert measure_once(trained / NAME, tmp_path, 50)
    new = json.loads(file.read_text())
    assert list(new["errors"]) == list(old["errors"])
    assert new["errors"] == old["errors"] and new["curves"] == {} and new["versions"].items() > {"older": "1"}.items()
    assert new["measures"]["calibration_error"]["settings"]["num_bins"] == 15
    assert not measure_once(trained / NAME, tmp_path, 50)


def test_one_error_is_measured_again(trained, measured_copy, tmp_path, monkeypatch):
    names, measure_errors = [], measurements.measure_errors
    changed = copy.deepcopy(measured_copy)
    del changed["errors"]["pgd_linf"]
    changed["errors"]["sign"]["settings"]["size"] = 1.0
    (tmp_path / f"{NAME}.json").write_text(json.dumps(changed))
    monkeypatch.setattr(measurements, "measure_errors", lambda *args: names.extend(args[3]) or measure_errors(*args))
    assert measure_once(trained / NAME, tmp_path, 50)
    assert names == ["pgd_linf", "sign"]
    again = json.loads((tmp_path / f"{NAME}.json").read_text())["errors"]
    assert [{**entry, "date": ""} for entry in again.values()] == [
        {**entry, "date": ""} for entry in measured_copy["errors"].values()
    ]
    assert list(again) == list(measured_copy["errors"])


def test_damaged_results_are_named_and_kept(models, tmp_path):
    for text in ("{", '{"errors": []}'):
        (tmp_path / f"{NAME}.json").write_text(text)
        with pytest.raises(ValueError, match=f"{NAME}.json is damaged"):
            measure_once(models / NAME, tmp_path, 50)
        assert (tmp_path / f"{NAME}.json").read_text() == text


def test_models_that_cannot_be_measured_are_named(models, tmp_path):
    damaged, other = models / "damaged", models / "other"
    shutil.copytree(models / NAME, damaged)
    (damaged / "saved_model.pb").write_bytes(b"")
    shutil.copytree(models / NAME, other)
    alter_card(other, input_shape=[7])
    unknown = models / "unknown"
    shutil.copytree(models / NAME, unknown)
    alter_card(unknown, recipe=None)
    shutil.rmtree(models / NAME)
    (models / "foreign").mkdir()  # it has no card, so it is not a model
    current, failed = measure_models([], models, tmp_path / "out", 50)
    assert not current and len(failed) == 3
    assert "saved_model.pb differs from the card" in failed[0]
    assert "takes inputs of shape (7,), but synthetic has inputs of shape (100,)" in failed[1]
    assert "names no data set" in failed[2]
    assert "Did you mean 'damaged'" in measure_models(["damagd"], models, tmp_path / "out")[1][0]


def test_plans_fit_their_data():
    synthetic = zoo.datasets.load("synthetic")
    settings = plan(synthetic)
    assert settings["errors"]["clean"]["num_examples"] == settings["errors"]["sign"]["num_examples"] == 9000
    assert settings["errors"]["pgd_l2"]["num_examples"] == 1000
    assert plan(synthetic, 10)["errors"]["sign"]["num_examples"] == 10
    assert settings == json.loads(json.dumps(settings))  # as a file gives it back
    images = dataclasses.replace(synthetic, name="mnist:3.0.1", x_test=np.zeros((600, 4, 4, 1)))
    assert settings["curves"] == {} and plan(images)["curves"]["apgd_linf"]["num_examples"] == 300
    numbers = [plan(dataclasses.replace(images, name=name))["errors"]["autoattack"] for name in ("mnist", "cifar10")]
    assert [(each["num_examples"], each["size"]) for each in numbers] == [(300, 0.1), (300, 2 / 255)]
    own = inspect.signature(zoo.analysis.auto_attack).parameters  # the attack runs with its defaults
    told = plan(images)["errors"]["autoattack"]
    assert all(told[name] == own[name].default for name in ("num_steps", "num_queries"))
    assert plan(images, 500)["errors"]["autoattack"]["num_examples"] == 500
    assert "autoattack" not in settings["errors"]
    assert plan(images)["curves"] == json.loads(json.dumps(plan(images)["curves"]))


def test_the_command_measures_a_good_model_and_names_a_damaged_one(models, tmp_path):
    shutil.copytree(models / NAME, models / "damaged")
    (models / "damaged" / CARD_FILE).write_text("{")
    command = [sys.executable, "-m", "trainers.analyze", f"--saved_models={models}", f"--analysis={tmp_path}/out"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([*command, "--num_examples=20", "--json"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "card.json is damaged" in done.stderr, done.stdout + done.stderr
    assert f"{NAME}: measured." in done.stderr
    content = json.loads((tmp_path / "out" / f"{NAME}.json").read_text())
    printed = json.loads(done.stdout)
    assert printed["models"] == {NAME: content} and [line.split(":")[0] for line in printed["failed"]] == ["damaged"]
    assert content["sha256"] == read_card(models / NAME)["card_sha256"]
    text = (tmp_path / "out" / "README.md").read_text()
    assert f"`{NAME}`" in text and "there is 1." in text
