"""One trial of a search: values of recipe fields, trained with several seeds and measured on validation data."""

import dataclasses
import json
import pathlib
import shutil
import statistics

import keras

import zoo
from trainers.runs.callbacks.deadline import TimeIsUp
from trainers.runs.run import train_member
from trainers.runs.workdir import read_json
from zoo.files import write_atomic
from zoo.pretrained.exporting import error_percent
from zoo.recipes.build import combine, member_seeds

TRIAL_FILE = "trial.json"
LASTING = (FloatingPointError, ValueError, TypeError)  # failures that the values cause, whenever they are tried


@dataclasses.dataclass
class Trial:
    """A trial and what is known of it.

    Attributes:
        number: from 0, in the order in which the engine asked for them.
        values: `{path of a recipe field: value}`.
        seeds: `{seed: {"validation_error": per cent, "epochs": ..., "seconds": ...}}`.
        failure: what ended a training that did not come to its end, or None.
    """

    number: int
    values: dict
    seeds: dict = dataclasses.field(default_factory=dict)
    failure: str | None = None

    @property
    def errors(self):
        """The validation error in per cent of each seed so far."""
        return [run["validation_error"] for run in self.seeds.values()]

    @property
    def error(self):
        """The mean validation error in per cent over the seeds so far."""
        return statistics.mean(self.errors)

    @property
    def spread(self):
        """The standard deviation over the seeds, None of fewer than two."""
        return statistics.stdev(self.errors) if len(self.seeds) > 1 else None

    def is_complete(self, search):
        """Whether every seed has its figures."""
        return self.failure is None and len(self.seeds) == search.num_seeds

    def describe(self):
        """The values, and the error or failure, in a line."""
        values = ", ".join(f"{path.split('.', 1)[-1]} {json.dumps(value)}" for path, value in self.values.items())
        spread = "" if self.spread is None else f" ± {self.spread:.2f}"
        return f"trial {self.number} ({values}): {self.failure or f'{self.error:.2f}{spread} %'}"

    @classmethod
    def read(cls, folder):
        """The trial that a folder holds, or None."""
        path = pathlib.Path(folder) / TRIAL_FILE
        return cls(**read_json(path)) if path.exists() else None

    def write(self, folder):
        """Writes the trial into its folder."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / TRIAL_FILE, json.dumps(dataclasses.asdict(self), indent=1))


def validation_data(recipe, seed, num_validation):
    """The data set of a trial: its validation examples stand in place of the test set, which no trial sees.

    For the synthetic set each seed is a draw of its own, from 1000 on one that no result uses: its other signals are
    the validation examples, so that the training set stays whole.

    Args:
        recipe: `Recipe`; its own validation split is taken if it has one.
        seed: of the split or of the draw.
        num_validation: number of validation examples if it has none.
    """
    if recipe.dataset == "synthetic" and not recipe.num_validation:
        data = zoo.datasets.load("synthetic", seed=seed)
        x, y = data.x_test[:num_validation], data.y_test[:num_validation]
    else:
        data = zoo.datasets.load(recipe.dataset, seed=seed, num_validation=recipe.num_validation or num_validation)
        x, y = data.x_validation, data.y_validation
    return dataclasses.replace(data, x_test=x, y_test=y, x_validation=x, y_validation=y)


def train_and_validate(recipe, seed, num_validation, folder, deadline=None):
    """Trains a recipe, from the newest checkpoint on, and measures it on validation data.

    Returns:
        `{"validation_error": in per cent, "epochs": ..., "seconds": of training}`, epochs and seconds over all members.

    Raises:
        TimeIsUp: the deadline passed.
    """
    data = validation_data(recipe, seed, num_validation)
    trained = [
        train_member(
            recipe, data, member_seed, folder / f"member-{member}", verbose=0, deadline=deadline, label_seed=seed
        )
        for member, member_seed in enumerate(member_seeds(recipe, seed))
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


def run_trial(recipe, search, number, values, folder, deadline=None):
    """Runs what is missing of a trial. Its folder holds its figures, and checkpoints of a training under way.

    A training that fails, because it diverges or because the values do not fit, ends its trial, not the search. One
    that failed for want of memory, or for another reason that passes, is tried again when the search is.

    Args:
        recipe: `Recipe` without the values.
        search: `Search`.
        number, values: see `Trial`.
        folder: of the trial.
        deadline: of `time.monotonic`, or None.

    Returns:
        The `Trial`, complete or failed.

    Raises:
        TimeIsUp: the deadline passed; running again goes on from there.
        OSError: the folder cannot be written.
    """
    trial = Trial.read(folder) or Trial(number, values)
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
