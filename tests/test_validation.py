"""Errors name the value received, what is allowed and the nearest right name."""

import numpy as np
import pytest

from zoo.validation import LONGEST_LIST, check_choice, check_number, did_you_mean


def test_choice():
    assert check_choice("fruit", "pear", ["plum", "pear"]) == "pear"
    assert check_choice("fruit", "pear", {"pear": 1}) == "pear"


@pytest.mark.parametrize(
    "value, hint", [("paer", " Did you mean 'pear'?"), ("xyz", ""), (None, ""), (3, ""), (["pear"], None)]
)
def test_unknown_choice(value, hint):
    with pytest.raises(ValueError) as error:
        check_choice("fruit", value, iter(["plum", "pear"]))
    if hint is not None:
        assert str(error.value) == f"Unknown fruit {value!r}.{hint} Allowed: 'pear', 'plum'."


def test_of_many_names_the_message_gives_the_three_nearest():
    names = [f"{fruit}_{number}" for fruit in ("pear", "plum") for number in range(LONGEST_LIST // 8)]
    with pytest.raises(ValueError) as error:
        check_choice("fruit", "paer_7", names, "fruits --list")
    message = str(error.value)
    assert message.startswith("Unknown fruit 'paer_7'. Did you mean 'pear_7', 'pear_")
    assert message.endswith(f"? `fruits --list` lists all {len(names)}.") and message.count("'pear_") == 3
    with pytest.raises(ValueError, match=f"Unknown fruit 'xyz'. {len(names)} names are allowed.$"):
        check_choice("fruit", "xyz", names)


def test_the_nearest_names_make_a_sentence():
    assert did_you_mean("aa", ["ab", "xy"]) == " Did you mean 'ab'?"
    assert did_you_mean("aa", ["ab", "ac", "xy"]) == " Did you mean 'ac' or 'ab'?"
    assert did_you_mean("aa", ["xy"]) == ""


@pytest.mark.parametrize("value", [0, 0.5, 1, np.float32(0.25), np.int64(1)])
def test_number_is_returned_as_it_is(value):
    assert check_number("rate", value, 0, 1) is value


@pytest.mark.parametrize(
    "value, limits, allowed",
    [
        (-0.1, {"minimum": 0}, "at least 0"),
        (1.1, {"minimum": 0, "maximum": 1}, "at least 0 and at most 1"),
        (2, {"maximum": 1}, "at most 1"),
        (0, {"above": 0}, "above 0"),
        (0, {"above": 0, "maximum": 3}, "above 0 and at most 3"),
        (float("nan"), {"minimum": 0}, "at least 0"),
        (float("nan"), {}, "finite"),
        (float("inf"), {}, "finite"),
        (float("-inf"), {"maximum": 0}, "at most 0"),
    ],
)
def test_number_out_of_range(value, limits, allowed):
    with pytest.raises(ValueError) as error:
        check_number("rate", value, **limits)
    assert str(error.value) == f"rate must be {allowed}, received {value!r}."


def test_bounds_belong_to_the_range():
    assert check_number("rate", 0, 0, 1) == 0
    assert check_number("rate", 1, 0, 1) == 1
    assert check_number("rate", 1e-300, above=0) == 1e-300


@pytest.mark.parametrize("value", ["1", None, True, 1j, [1], np.ones(1)])
def test_no_number(value):
    with pytest.raises(TypeError, match="rate must be a number, received"):
        check_number("rate", value)


@pytest.mark.parametrize("value", [1.0, np.float32(1), False, "1"])
def test_no_integer(value):
    with pytest.raises(TypeError, match="steps must be an integer, received"):
        check_number("steps", value, 0, integer=True)


def test_integers():
    assert check_number("steps", np.int32(4), 0, integer=True) == 4
    with pytest.raises(ValueError, match="at least 0, received -1"):
        check_number("steps", -1, 0, integer=True)
