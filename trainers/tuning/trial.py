"""One trial of a search: values of recipe fields, trained with several seeds and measured on validation data."""

import dataclasses
import json
import pathlib
import shutil
import statistics
from collections.abc import Mapping
from typing import Any, Self

import keras

from trainers.results.files import read_json
from trainers.results.statistics import as_mean_and_spread, mean_and_spread
from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.data import load_data
from trainers.runs.progress import progress
from trainers.runs.run import train_member
from zoo.datasets import Dataset
from zoo.files import write_atomic
from zoo.pretrained import error_percent
from zoo.recipes import Recipe
from zoo.recipes.build import combine, member_seeds
from zoo.recipes.search import Search

TRIAL_FILE = "trial.json"
LASTING = (FloatingPointError, ValueError, TypeError)  # failures that the values cause every time


@dataclasses.dataclass
class Trial:
    """A trial and its figures so far.

    Attributes:
        number: from 0, in the order in which the engine asked for the trials.
        values: `{path of a recipe field: value}`.
        seeds: `{seed: {"validation_error": in percent, "epochs": ..., "seconds": ...}}`.
        failure: the error that ended a training, or None.
    """

    number: int
    values: dict
    seeds: dict = dataclasses.field(default_factory=dict)
    failure: str | None = None

    @property
    def errors(self) -> list[float]:
        """The validation error in percent of each seed so far."""
        return [run["validation_error"] for run in self.seeds.values()]

    @property
    def error(self) -> float:
        """The mean validation error in percent over the seeds so far."""
        return statistics.mean(self.errors)

    @property
    def spread(self) -> float:
        """The standard deviation over the seeds; 0 for a single seed."""
        return mean_and_spread(self.errors)[1]

    @property
    def figure(self) -> str:
        """The validation error as text, with its standard deviation if there are several seeds."""
        return as_mean_and_spread(self.errors)

    def is_complete(self, search: Search) -> bool:
        """Whether every seed of the search has its figures."""
        return self.failure is None and len(self.seeds) == search.num_seeds

    def describe(self) -> str:
        """The values, and the error or the failure, in one line."""
        values = ", ".join(f"{path.split('.', 1)[-1]} {json.dumps(value)}" for path, value in self.values.items())
        return f"trial {self.number} ({values}): {self.failure or f'{self.figure} %'}"

    @classmethod
    def read(cls, folder: str | pathlib.Path) -> Self | None:
        """Reads the trial in a folder; None if there is none."""
        path = pathlib.Path(folder) / TRIAL_FILE
        return cls(**read_json(path)) if path.exists() else None

    def write(self, folder: str | pathlib.Path) -> None:
        """Writes the trial into its folder."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / TRIAL_FILE, json.dumps(dataclasses.asdict(self), indent=1))


def validation_data(recipe: Recipe, seed: int, num_validation: int) -> Dataset:
    """The data set of a trial, with its validation examples in place of the test set.

    Every seed of the synthetic set draws another data set. Seeds of trials start at 1000, so that no result uses their
    data, and the test signals of such a draw serve as validation examples. The training set keeps its size.

    Args:
        recipe: its own validation split is used if it has one.
        seed: of the split or of the draw.
        num_validation: number of validation examples if the recipe has no validation split.
    """
    if recipe.dataset == "synthetic" and not recipe.num_validation:
        data = load_data(recipe, seed)
        x, y = data.x_test[:num_validation], data.y_test[:num_validation]
    else:
        data = load_data(dataclasses.replace(recipe, num_validation=recipe.num_validation or num_validation), seed)
        x, y = data.x_validation, data.y_validation
    return dataclasses.replace(data, x_test=x, y_test=y, x_validation=x, y_validation=y)


def train_and_validate(
    recipe: Recipe, seed: int, num_validation: int, folder: pathlib.Path, deadline: float | None = None
) -> dict[str, float]:
    """Trains a recipe, starting from the newest checkpoint, and measures it on validation data.

    Args:
        recipe: with the values of the trial.
        seed: of the training.
        num_validation: as for `validation_data`.
        folder: of the checkpoints.
        deadline: time on the clock of `time.monotonic`, or None.

    Returns:
        `{"validation_error": in percent, "epochs": ..., "seconds": of training}`; epochs and seconds are sums over the
        members.

    Raises:
        TimeIsUp: the deadline passed.
    """
    data, seeds = validation_data(recipe, seed, num_validation), member_seeds(recipe, seed)
    with progress(len(seeds) * recipe.epochs, "epoch") as move:
        counted = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: move(1))
        trained = [
            train_member(recipe, data, each, folder / f"member-{member}", 0, [counted], deadline, label_seed=seed)
            for member, each in enumerate(seeds)
        ]
    model = combine(recipe, [model for model, _ in trained])
    states = [checkpoint.state for _, checkpoint in trained]
    error = error_percent(model.predict_on_batch, data.x_validation, data.y_validation)
    keras.utils.clear_session()
    return {
        "validation_error": error,
        "epochs": sum(state["epochs"] for state in states),
        "seconds": round(sum(state["seconds"] for state in states), 1),
    }


def run_trial(
    recipe: Recipe,
    search: Search,
    number: int,
    values: Mapping[str, Any],
    folder: str | pathlib.Path,
    deadline: float | None = None,
) -> Trial:
    """Runs the trainings of a trial that have no figures yet.

    The folder of the trial holds its figures, and checkpoints during a training. A training that diverges, or whose
    values do not fit together, ends its trial but not the search. A training that failed for another reason, such as a
    lack of memory, is repeated when the search runs again.

    Args:
        recipe: without the values.
        search: names the seeds.
        number: of the trial.
        values: `{path of a recipe field: value}`.
        folder: of the trial.
        deadline: time on the clock of `time.monotonic`, or None.

    Returns:
        The `Trial`, complete or failed.

    Raises:
        TimeIsUp: the deadline passed; run again to resume.
        OSError: the folder cannot be written.
    """
    trial = Trial.read(folder) or Trial(number, dict(values))
    if trial.failure and not trial.failure.startswith(tuple(kind.__name__ for kind in LASTING)):
        trial.failure = None
    trial.write(folder)
    for seed in search.seeds:
        if trial.failure or str(seed) in trial.seeds:
            continue
        checkpoints = pathlib.Path(folder) / f"seed-{seed}"
        try:
            chosen = recipe.override(trial.values)
            figures = train_and_validate(chosen, seed, search.num_validation, checkpoints, deadline)
            trial.seeds[str(seed)] = figures
        except (TimeIsUp, OSError):
            raise
        except Exception as error:
            trial.failure = f"{type(error).__name__} with seed {seed}: {error}"
        trial.write(folder)
        shutil.rmtree(checkpoints, ignore_errors=True)
    return trial
