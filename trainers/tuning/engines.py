"""The engines of a search: oracles of KerasTuner, which choose the values of trials, and a tuner that asks them."""

import itertools
import math
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
import numpy as np
import scipy.stats

from zoo.recipes.search import Search, is_whole

OBJECTIVE = "validation_error"
DEFAULT_TRIALS = 20
Values = dict[str, Any]  # of recipe fields, by path


def hyperparameters(space: Mapping[str, Mapping[str, Any]]) -> keras_tuner.HyperParameters:
    """Describes a space to KerasTuner; listed values may have any type, so they become their indices."""
    hps = keras_tuner.HyperParameters()
    for path, domain in space.items():
        if "values" in domain:
            hps.Choice(path, list(range(len(domain["values"]))))
        else:
            declare = hps.Int if is_whole(domain) else hps.Float
            declare(path, domain["min"], domain["max"], sampling=domain.get("sampling", "linear"))
    return hps


def most_trials(search: Search) -> int:
    """The largest number of trials of a search."""
    if search.engine != "grid":
        return search.num_trials or DEFAULT_TRIALS
    combinations = math.prod(len(list(field.values)) for field in hyperparameters(search.space).space)
    return min(search.num_trials or combinations, combinations)


def decode(domain: Mapping[str, Any], code: Any) -> Any:
    """The value of a recipe field for a value of KerasTuner; values of a real range are rounded to four digits.

    Args:
        domain: of the field.
        code: index of a listed value, or a number within a range.
    """
    if "values" in domain:
        return domain["values"][code]
    value = code if is_whole(domain) else float(f"{code:.4g}")
    return min(max(value, domain["min"]), domain["max"])


def encode(domain: Mapping[str, Any], value: Any) -> Any:
    """The inverse of `decode`."""
    return domain["values"].index(value) if "values" in domain else value


class Replayed:
    """An oracle that first repeats the trials on disk with their values, and reads no other file of a search.

    The files of KerasTuner may be incomplete after a kill, and those of a grid do not record its position. The random
    numbers of trial n depend on n and the seed only. Thus a resumed search asks for the same trials as an undisturbed
    one.

    Args:
        space: of the `Search`.
        recorded: from the number of a trial to its values, or to None.
        seed: of the `Search`.
        **options: of the oracle of KerasTuner.
    """

    def __init__(
        self, space: Mapping[str, Mapping[str, Any]], recorded: Callable[[int], Values | None], seed: int, **options
    ) -> None:
        self.space, self.recorded, self.search_seed = space, recorded, seed
        objective = keras_tuner.Objective(OBJECTIVE, "min")
        super().__init__(objective=objective, hyperparameters=hyperparameters(space), seed=1, **options)
        self.verbose = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of a trial, in the form that KerasTuner expects."""
        values, response = self.recorded(int(trial_id)), {"status": "RUNNING"}
        if values is None:
            self.start_from(int(np.random.SeedSequence([self.search_seed, int(trial_id)]).generate_state(1)[0]))
            response = super().populate_space(trial_id)
            codes = response["values"]
            values = codes and {path: decode(domain, codes[path]) for path, domain in self.space.items()}
        # The oracle learns from rounded values, because a resumed search has only these.
        codes = values and {path: encode(domain, values[path]) for path, domain in self.space.items()}
        return {**response, "values": codes}

    def start_from(self, seed: int) -> None:
        """Seeds the next draw of the oracle."""
        self._seed_state = seed


class Random(Replayed, keras_tuner.oracles.RandomSearchOracle):
    """Random values of the space, no combination twice."""


class Grid(Replayed, keras_tuner.Oracle):
    """Every combination once; the last field changes fastest. A range becomes ten evenly spaced values on its scale."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of a trial, in the form that KerasTuner expects."""
        fields = self.hyperparameters.space
        combinations = itertools.product(*(sorted(field.values) for field in fields))
        chosen = next(itertools.islice(combinations, int(trial_id), None), None)
        if chosen is None:
            return {"status": "STOPPED", "values": None}
        return {"status": "RUNNING", "values": dict(zip((field.name for field in fields), chosen, strict=True))}


class Bayesian(Replayed, keras_tuner.oracles.BayesianOptimizationOracle):
    """The lowest confidence bound of a Gaussian process, after three random trials per field.

    The process sees the ranks of the errors as normal scores. On the scale of errors, one diverged trial would make all
    others look alike.
    """

    def start_from(self, seed: int) -> None:
        """Seeds the next draw of the oracle."""
        super().start_from(seed)
        self._random_state = np.random.RandomState(seed)

    def _vectorize_trials(self):
        places, errors = super()._vectorize_trials()
        # For running trials KerasTuner inserts the guess of the process, which is a score already.
        known = np.array([trial.status == "COMPLETED" for trial in self.trials.values()])
        errors[known] = scipy.stats.norm.ppf((scipy.stats.rankdata(errors[known]) - 0.5) / known.sum())
        return places, errors

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of a trial, in the form that KerasTuner expects."""
        response = super().populate_space(trial_id)
        # With listed values, the minimum of the bound may be a combination that was already tried.
        if self.recorded(int(trial_id)) is None and response["values"] and self._duplicate(response["values"]):
            return self._random_populate_space()
        return response


ENGINES = {"bayesian": Bayesian, "grid": Grid, "random": Random}


class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Answers every trial of an oracle by a function.

    Args:
        search: to run.
        recorded: from the number of a trial to its values, or to None if there is no such trial yet.
        answer: from the number and the values of a trial to the error to minimize.
        directory: for files of KerasTuner.
    """

    def __init__(
        self,
        search: Search,
        recorded: Callable[[int], Values | None],
        answer: Callable[[int, Values], float],
        directory: str,
    ) -> None:
        self.search_space, self.answer = search.space, answer
        oracle = ENGINES[search.engine](search.space, recorded, search.seed, max_trials=most_trials(search))
        super().__init__(oracle, directory=directory)

    def run_trial(self, trial: Any) -> dict[str, float]:
        """Answers one trial."""
        codes = trial.hyperparameters.values
        values = {path: decode(domain, codes[path]) for path, domain in self.search_space.items()}
        try:
            return {OBJECTIVE: self.answer(int(trial.trial_id), values)}
        except Exception as error:  # KerasTuner would count it as a failed trial and continue
            raise keras_tuner.errors.FatalError(str(error)) from error


def ask(search: Search, recorded: Callable[[int], Values | None], answer: Callable[[int, Values], float]) -> None:
    """Runs a search to its end in this process.

    With the environment variables of KerasTuner, this process is the chief that hands out trials, or a worker that asks
    the chief for them.

    Args:
        search: to run.
        recorded: see `Tuner`.
        answer: see `Tuner`.

    Raises:
        Exception: any exception of `answer`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        try:
            Tuner(search, recorded, answer, scratch).search()
        except keras_tuner.errors.FatalError as stop:
            raise stop.__cause__ from None
