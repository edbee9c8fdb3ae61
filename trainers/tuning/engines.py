"""The engines of a search: KerasTuner's oracles, which choose each trial's values, and its tuner, which asks them."""

import itertools
import tempfile

import keras_tuner
import numpy as np
import scipy.stats

from zoo.recipes.search import is_whole

OBJECTIVE = "validation_error"
DEFAULT_TRIALS = 20


def hyperparameters(space):
    """A space in KerasTuner's terms: listed values by their place in the list, so that they can be of any kind."""
    hps = keras_tuner.HyperParameters()
    for path, domain in space.items():
        if "values" in domain:
            hps.Choice(path, list(range(len(domain["values"]))))
        else:
            declare = hps.Int if is_whole(domain) else hps.Float
            declare(path, domain["min"], domain["max"], sampling=domain.get("sampling", "linear"))
    return hps


def decode(domain, code):
    """The value of a recipe field that KerasTuner's value stands for; of a real range, rounded to four digits."""
    if "values" in domain:
        return domain["values"][code]
    value = code if is_whole(domain) else float(f"{code:.4g}")
    return min(max(value, domain["min"]), domain["max"])


def encode(domain, value):
    """What `decode` makes the value of."""
    return domain["values"].index(value) if "values" in domain else value


class Replayed:
    """An oracle that first asks for the trials on disk again, with their values, and keeps nothing else of a search.

    KerasTuner's own files of a killed search may be incomplete, and those of a grid do not say where it was. The n-th
    trial's random numbers depend on n and the seed alone, so a search that goes on asks for what it would have asked.

    Args:
        space: of the `Search`.
        recorded: number of a trial -> its values, or None.
        seed: of the `Search`.
        **options: of KerasTuner's oracle.
    """

    def __init__(self, space, recorded, seed, **options):
        self.space, self.recorded, self.search_seed = space, recorded, seed
        objective = keras_tuner.Objective(OBJECTIVE, "min")
        super().__init__(objective=objective, hyperparameters=hyperparameters(space), seed=1, **options)
        self.verbose = 0

    def populate_space(self, trial_id):
        values, response = self.recorded(int(trial_id)), {"status": "RUNNING"}
        if values is None:
            self.start_from(int(np.random.SeedSequence([self.search_seed, int(trial_id)]).generate_state(1)[0]))
            response = super().populate_space(trial_id)
            codes = response["values"]
            values = codes and {path: decode(domain, codes[path]) for path, domain in self.space.items()}
        # What the oracle learns from are the rounded values, as it will be when the search goes on.
        codes = values and {path: encode(domain, values[path]) for path, domain in self.space.items()}
        return {**response, "values": codes}

    def start_from(self, seed):
        """Seeds what the oracle draws next."""
        self._seed_state = seed


class Random(Replayed, keras_tuner.oracles.RandomSearchOracle):
    """Values drawn from the space, no combination twice."""


class Grid(Replayed, keras_tuner.Oracle):
    """Every combination once, the last field's values first; ten values of a range, evenly on its scale."""

    def populate_space(self, trial_id):
        fields = self.hyperparameters.space
        combinations = itertools.product(*(sorted(field.values) for field in fields))
        chosen = next(itertools.islice(combinations, int(trial_id), None), None)
        if chosen is None:
            return {"status": "STOPPED", "values": None}
        return {"status": "RUNNING", "values": dict(zip((field.name for field in fields), chosen, strict=True))}


class Bayesian(Replayed, keras_tuner.oracles.BayesianOptimizationOracle):
    """The lowest confidence bound of a Gaussian process, after three random trials for each field.

    The process sees the errors' ranks as normal scores: on their own scale one diverged trial would make all others
    look alike.
    """

    def start_from(self, seed):
        super().start_from(seed)
        self._random_state = np.random.RandomState(seed)

    def _vectorize_trials(self):
        places, errors = super()._vectorize_trials()
        # What runs elsewhere has the process's own guess, which is a score already.
        known = np.array([trial.status == "COMPLETED" for trial in self.trials.values()])
        errors[known] = scipy.stats.norm.ppf((scipy.stats.rankdata(errors[known]) - 0.5) / known.sum())
        return places, errors

    def populate_space(self, trial_id):
        response = super().populate_space(trial_id)
        # Of listed values the bound may have its minimum where a trial has been.
        if self.recorded(int(trial_id)) is None and response["values"] and self._duplicate(response["values"]):
            return self._random_populate_space()
        return response


ENGINES = {"bayesian": Bayesian, "grid": Grid, "random": Random}


class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Has every trial that the oracle asks for answered by a function.

    Args:
        search: `Search`.
        recorded: number of a trial -> its values, or None where there is no such trial yet.
        answer: number of a trial and its values -> what to minimize.
        directory: for KerasTuner's own files.
    """

    def __init__(self, search, recorded, answer, directory):
        self.search_space, self.answer = search.space, answer
        num_trials = search.num_trials or (None if search.engine == "grid" else DEFAULT_TRIALS)
        oracle = ENGINES[search.engine](search.space, recorded, search.seed, max_trials=num_trials)
        super().__init__(oracle, directory=directory)

    def run_trial(self, trial):
        codes = trial.hyperparameters.values
        values = {path: decode(domain, codes[path]) for path, domain in self.search_space.items()}
        try:
            return {OBJECTIVE: self.answer(int(trial.trial_id), values)}
        except Exception as error:  # KerasTuner would take it for a failed trial, and go on
            raise keras_tuner.errors.FatalError(str(error)) from error


def ask(search, recorded, answer):
    """Runs a search to its end, in this process; or, by KerasTuner's environment variables, as the chief that hands out
    trials, or as a worker that asks the chief for them.

    Args:
        search, recorded, answer: see `Tuner`.

    Raises:
        Exception: what `answer` raised.
    """
    with tempfile.TemporaryDirectory() as scratch:
        try:
            Tuner(search, recorded, answer, scratch).search()
        except keras_tuner.errors.FatalError as stop:
            raise stop.__cause__ from None
