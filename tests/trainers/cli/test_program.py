"""The frame of the commands: errors end them with one line and a status, and a variable shows the traceback."""

import os
import subprocess
import sys

import pytest

from trainers.cli.program import ERRORS, UsageError, is_finite, main_of, usage


def failing(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    "error, status",
    [
        (ValueError("no such file"), 1),
        (OSError("disk full"), 1),
        (FloatingPointError("NaN"), 1),
        (UsageError("no such recipe"), 2),
    ],
)
def test_an_expected_error_ends_the_command_with_one_line_and_a_status(error, status, monkeypatch, capsys):
    with pytest.raises(SystemExit) as end:
        main_of(failing(error))(["program"])
    assert end.value.code == status and capsys.readouterr().err == f"error: {error}\n"
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    with pytest.raises(type(error)):
        main_of(failing(error))(["program"])


def test_an_interruption_ends_the_command_with_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main_of(failing(KeyboardInterrupt()))(["program"])
    assert end.value.code == 130 and capsys.readouterr().err == "interrupted\n"


def test_defects_keep_their_traceback():
    assert not issubclass(KeyError, ERRORS)
    with pytest.raises(KeyError):
        main_of(failing(KeyError("x")))(["program"])


def test_a_returned_message_fails_the_command():
    ends = []
    main_of(lambda: "failed: seed 3", lambda *end: ends.append(end))(["program"])
    main_of(lambda: None, lambda *end: ends.append(end))(["program"])
    assert ends == [("failed: seed 3", 1)]


@pytest.mark.parametrize("flag", ["--help", "--helpfull", "--list"])
def test_output_that_nobody_reads_ends_the_command_without_a_word(flag):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "trainers.train", flag]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_no_time_and_finite_times_are_finite():
    assert is_finite(None) and is_finite(0.0) and not is_finite(float("nan")) and not is_finite(float("inf"))


def test_arguments_without_a_flag_are_wrong_usage(capsys):
    with pytest.raises(SystemExit) as end:
        main_of(lambda: None)(["program", "recipe"])
    assert end.value.code == 2 and "received ['recipe']" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ValueError("epochs"), TypeError("epochs")])
def test_wrong_values_of_flags_are_wrong_usage(error):
    with pytest.raises(UsageError, match="epochs"), usage():
        raise error


def test_other_errors_are_not_wrong_usage():
    with pytest.raises(OSError, match="disk"), usage():
        raise OSError("disk full")
