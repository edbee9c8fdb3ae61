"""The engines: their trials, their seeds, and that a resumed search asks for the same trials."""

import itertools
import math

import pytest

pytest.importorskip("keras_tuner")

from trainers.tuning import engines
from zoo.recipes import search as searches
from zoo.recipes.search import Search

REAL = {"min": 0.01, "max": 10.0, "sampling": "log"}
SPACE = {"a": REAL, "b": {"min": 1, "max": 8}, "c": {"values": [None, [8, 8], "x"]}}


def bowl(values):
    """A function with its minimum at a = 1, b = 4."""
    return math.log10(values["a"]) ** 2 + ((values.get("b", 4) - 4) / 8) ** 2


def partly_divergent(values):
    """A bowl with its minimum at a = b = 0.3; above a = 2, the error of a failed training."""
    if values["a"] > 2:
        return 100.0
    return 1 + math.log10(values["a"] / 0.3) ** 2 + math.log10(values["b"] / 0.3) ** 2


def asked(search, known=(), stop=None, error=bowl):
    """The values of the trials that a search asks for, in order; `known` are those of trials on disk."""
    trials = list(known)

    def recorded(number):
        return trials[number] if number < len(trials) else None

    def answer(number, values):
        if number == stop:
            raise KeyboardInterrupt
        if number == len(trials):
            trials.append(values)
        assert trials[number] == values
        return error(values)

    try:
        engines.ask(search, recorded, answer)
    except KeyboardInterrupt:
        pass
    return trials


def test_the_names_of_the_engines_are_those_of_the_data():
    assert sorted(engines.ENGINES) == sorted(searches.ENGINES)


@pytest.mark.parametrize(
    "settings, number",
    [
        ({"engine": "grid"}, 10 * 8 * 3),
        ({"engine": "grid", "num_trials": 7}, 7),
        ({"engine": "grid", "num_trials": 1000}, 10 * 8 * 3),
        ({"engine": "random"}, engines.DEFAULT_TRIALS),
        ({"engine": "bayesian", "num_trials": 7}, 7),
    ],
)
def test_the_number_of_trials_is_known_before_the_search(settings, number):
    assert engines.most_trials(Search(SPACE, **settings)) == number


def test_a_grid_asks_for_every_combination_once():
    space = {"a": {"values": [0.5, 2.0, 1.0]}, "b": {"min": 3, "max": 5}, "c": SPACE["c"]}
    trials = asked(Search(space, engine="grid"))
    combinations = itertools.product(space["a"]["values"], [3, 4, 5], space["c"]["values"])
    assert trials == [dict(zip("abc", values, strict=True)) for values in combinations]
    assert len(asked(Search(space, engine="grid", num_trials=4))) == 4


def test_a_range_in_a_grid_is_ten_values_evenly_on_its_scale():
    values = [trial["a"] for trial in asked(Search({"a": REAL}, engine="grid"))]
    steps = [math.log10(b / a) for a, b in itertools.pairwise(values)]
    assert len(values) == 10 and 0.01 < values[0] and values[-1] < 10
    assert steps == pytest.approx([0.3] * 9, abs=1e-3)  # four digits are kept


@pytest.mark.parametrize("engine", ["random", "bayesian"])
def test_values_are_in_the_space_and_seeded(engine):
    search = Search(SPACE, engine=engine, num_trials=10, seed=3)
    trials = asked(search)
    assert trials == asked(search) and len(trials) == 10
    assert trials[:2] != asked(Search(SPACE, engine=engine, num_trials=2, seed=4))
    for trial in trials:
        assert 0.01 <= trial["a"] <= 10 and trial["b"] in range(1, 9) and trial["c"] in SPACE["c"]["values"]
        assert trial["a"] == float(f"{trial['a']:.4g}")
    assert len({trial["b"] for trial in trials}) > 2 and len({str(trial["c"]) for trial in trials}) > 1


def test_neighbouring_seeds_share_no_trial():
    first, second = ({t["a"] for t in asked(Search({"a": REAL}, num_trials=20, seed=seed))} for seed in (0, 1))
    assert len(first) == len(second) == 20 and not first & second


def test_random_values_fill_the_scale():
    values = [math.log10(trial["a"]) for trial in asked(Search({"a": REAL}, num_trials=60))]
    counts = [sum(low <= value < low + 1 for value in values) for low in (-2, -1, 0)]
    assert min(counts) >= 10  # of 20 expected in each decade


@pytest.mark.parametrize("engine", ["grid", "random", "bayesian"])
@pytest.mark.parametrize("stop", [2, 7])
def test_a_resumed_search_asks_for_the_trials_of_an_undisturbed_one(engine, stop):
    search = Search({"a": REAL, "b": {"min": 1, "max": 8}}, engine=engine, num_trials=8)
    begun = asked(search, stop=stop)
    assert len(begun) == stop
    assert asked(search, known=begun) == asked(search)


def test_bayesian_search_finds_the_minimum():
    chosen = [bowl(trial) for trial in asked(Search({"a": REAL}, engine="bayesian", num_trials=11))[3:]]
    drawn = [bowl(trial) for trial in asked(Search({"a": REAL}, num_trials=11))[3:]]
    assert min(chosen) < 0.01
    informed, blind = (sum(value < 0.25 for value in values) for values in (chosen, drawn))
    assert informed > blind


def test_a_diverged_trial_does_not_blind_a_bayesian_search():
    search = Search({"a": REAL, "b": REAL}, engine="bayesian", num_trials=12)
    errors = [partly_divergent(trial) for trial in asked(search, error=partly_divergent)]
    assert 100.0 in errors[:6]  # among the random trials
    assert sum(error < 1.25 for error in errors[6:]) >= 2


def test_few_combinations_are_tried_once_each():
    for engine in ("random", "bayesian"):
        trials = asked(Search({"a": {"values": [0.1, 1.0, 10.0]}}, engine=engine, num_trials=20))
        assert sorted(trial["a"] for trial in trials) == [0.1, 1.0, 10.0], engine


def test_an_error_of_the_program_ends_the_search():
    def answer(number, values):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        engines.ask(Search({"a": REAL}), lambda number: None, answer)
