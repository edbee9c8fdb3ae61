"""The frame of the commands: errors end them with one line, and an environment variable shows the traceback."""

import pytest
from absl import app

from trainers.cli.program import ERRORS, is_finite, main_of


def failing(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize("error", [ValueError("no such recipe"), OSError("disk full"), FloatingPointError("NaN")])
def test_an_expected_error_ends_the_command_with_one_line(error, monkeypatch):
    with pytest.raises(SystemExit) as end:
        main_of(failing(error))(["program"])
    assert end.value.code == f"error: {error}"
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    with pytest.raises(type(error)):
        main_of(failing(error))(["program"])


def test_defects_keep_their_traceback():
    assert not issubclass(KeyError, ERRORS)
    with pytest.raises(KeyError):
        main_of(failing(KeyError("x")))(["program"])


def test_a_returned_message_fails_the_command():
    messages = []
    main_of(lambda: "failed: seed 3", messages.append)(["program"])
    main_of(lambda: None, messages.append)(["program"])
    assert messages == ["failed: seed 3"]


def test_no_time_and_finite_times_are_finite():
    assert is_finite(None) and is_finite(0.0) and not is_finite(float("nan")) and not is_finite(float("inf"))


def test_arguments_without_a_flag_are_refused():
    with pytest.raises(app.UsageError, match="received .'recipe'."):
        main_of(lambda: None)(["program", "recipe"])
