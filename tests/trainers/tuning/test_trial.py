"""A trial: its data, its figures, and its failures."""

import dataclasses
import statistics

import numpy as np
import pytest

import zoo
from trainers.tuning import trial as trials
from trainers.tuning.trial import Trial, run_trial, validation_data
from zoo import recipes
from zoo.datasets import Dataset
from zoo.recipes.search import FIRST_SEED, Search

EPSILON = "regularizers.vat.epsilon"
SEARCH = Search({EPSILON: {"values": [0.1, 0.5]}}, num_seeds=2, num_validation=100)
SMALL = {"network.hidden_units": [8], "epochs": 2, "batch_size": 200}
RECIPE = recipes.get("synthetic_mlp-vat").override(SMALL)
PLAIN, RATE = recipes.get("synthetic_mlp-baseline").override(SMALL), {"learning_rate": 0.01}  # quick to compile


@pytest.fixture
def figures(monkeypatch):
    """Replaces trainings by instant ones with the error seed - 1000; returns the list of `(recipe, seed)`."""
    trained = []

    def train(recipe, seed, num_validation, folder, deadline):
        trained.append((recipe, seed))
        if recipe.regularizers["vat"]["epsilon"] > 1:
            raise FloatingPointError("The loss became nan in epoch 1, step 3.")
        return {"validation_error": float(seed - FIRST_SEED), "epochs": recipe.epochs, "seconds": 0.5}

    monkeypatch.setattr(trials, "train_and_validate", train)
    return trained


def test_a_trial_has_no_test_set(monkeypatch, tmp_path):
    x, y = np.random.default_rng(0).normal(size=(60, 100)).astype("float32"), np.arange(60, dtype="int32") % 2
    held_out = []

    def load(name, *, seed, num_validation):
        held_out.append((seed, num_validation))
        return Dataset(name, x, y, None, None, 2, x[:30], y[:30])

    monkeypatch.setattr(zoo.datasets, "load", load)
    recipe = PLAIN.override({"dataset": "signals", "batch_size": 30, "epochs": 1})
    search = dataclasses.replace(SEARCH, num_seeds=1)
    trial = run_trial(recipe, search, 0, RATE, tmp_path / "trial")
    assert trial.is_complete(search), trial.failure
    assert held_out == [(FIRST_SEED, 100)]
    assert (trial.error * 30 / 100) % 1 == pytest.approx(0, abs=1e-9)  # of 30 examples
    own = validation_data(recipe.override({"num_validation": 20}), 1001, 100)
    assert held_out[1] == (1001, 20) and own.x_test is own.x_validation
    with pytest.raises(TypeError):  # negative control: an ordinary run uses the test set
        trials.train_member(recipe, load("signals", seed=0, num_validation=0), 0, tmp_path / "run", verbose=0)


def test_synthetic_validation_signals_come_from_draws_that_no_result_uses():
    data, drawn = validation_data(RECIPE, FIRST_SEED, 9000), zoo.datasets.load("synthetic", seed=FIRST_SEED)
    np.testing.assert_array_equal(data.x_train, drawn.x_train)
    assert data.x_validation.shape == (9000, 100) and validation_data(RECIPE, FIRST_SEED, 50).x_test.shape == (50, 100)
    assert min(SEARCH.seeds) >= 1000
    early = recipes.get("synthetic_mlp-early_stopping")
    stopped = validation_data(early, FIRST_SEED, 9000)
    assert len(stopped.x_validation) == early.num_validation and len(stopped.x_train) == 1000 - early.num_validation


def test_same_seed_gives_the_same_error_after_a_stop(tmp_path):
    search = dataclasses.replace(SEARCH, num_seeds=1)
    undisturbed = run_trial(PLAIN, search, 0, RATE, tmp_path / "undisturbed")
    assert undisturbed.is_complete(search) and undisturbed.seeds[str(FIRST_SEED)]["epochs"] == 2
    assert [path.name for path in (tmp_path / "undisturbed").iterdir()] == [trials.TRIAL_FILE]  # no checkpoint is left
    with pytest.raises(trials.TimeIsUp):
        run_trial(PLAIN, search, 0, RATE, tmp_path / "resumed", deadline=0.0)
    assert Trial.read(tmp_path / "resumed").seeds == {}
    assert list((tmp_path / "resumed" / f"seed-{FIRST_SEED}").glob("*/epoch-00001"))
    assert run_trial(PLAIN, search, 0, RATE, tmp_path / "resumed").error == undisturbed.error


def test_every_seed_is_trained_once_with_the_values(figures, tmp_path):
    for _ in range(2):
        trial = run_trial(RECIPE, SEARCH, 4, {EPSILON: 0.1}, tmp_path)
    assert [seed for _, seed in figures] == list(SEARCH.seeds)
    assert all(recipe.regularizers["vat"]["epsilon"] == 0.1 for recipe, _ in figures)
    assert trial == Trial.read(tmp_path) and trial.is_complete(SEARCH)
    errors = [0.0, 1.0]
    assert trial.errors == errors and trial.error == 0.5 and trial.spread == statistics.stdev(errors)
    assert trial.describe() == "trial 4 (vat.epsilon 0.1): 0.50 ± 0.71 %"


def test_a_diverged_training_fails_its_trial_and_is_not_repeated(figures, tmp_path):
    for _ in range(2):
        trial = run_trial(RECIPE, SEARCH, 0, {EPSILON: 2.0}, tmp_path)
    assert len(figures) == 1 and not trial.is_complete(SEARCH)
    assert trial.failure == f"FloatingPointError with seed {FIRST_SEED}: The loss became nan in epoch 1, step 3."


def test_a_training_that_failed_for_another_reason_is_repeated(monkeypatch, tmp_path):
    figures = {"validation_error": 1.0, "epochs": 1, "seconds": 0.0}
    answers = [RuntimeError("RESOURCE_EXHAUSTED"), figures, figures]

    def train(*arguments):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(trials, "train_and_validate", train)
    first, second = (run_trial(RECIPE, SEARCH, 0, {EPSILON: 0.1}, tmp_path) for _ in range(2))
    assert first.failure == f"RuntimeError with seed {FIRST_SEED}: RESOURCE_EXHAUSTED"
    assert second.is_complete(SEARCH) and not answers


def test_values_that_do_not_fit_together_fail_the_trial(tmp_path):
    trial = run_trial(RECIPE, SEARCH, 0, {"early_stopping_patience": 3}, tmp_path)
    assert "early_stopping_patience needs num_validation" in trial.failure


def test_an_unwritable_folder_is_an_error_and_no_failed_trial(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        run_trial(RECIPE, SEARCH, 0, {EPSILON: 0.1}, tmp_path / "file" / "trial")
