"""Keras's bar on a terminal, and the time left in words."""

import io
import sys

import pytest

from tests.support.terminal import Terminal
from trainers.runs.progress import counted, progress, time_left


def test_a_bar_shows_the_time_left_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with counted(lambda batch: batch * 2, 4) as double:
        assert double([1, 2]) == [1, 2, 1, 2]
        assert double([3, 4, 5]) == [3, 4, 5] * 2  # more than was said
    shown = sys.stderr.getvalue()
    assert "0/4" in shown and shown.endswith("\n") and "s/example" in shown.rpartition("4/4")[2]
    assert not capsys.readouterr().out


def test_an_error_comes_on_a_line_of_its_own(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(OSError, match="disk full"), progress(4, "trial") as move:
        move(1)
        raise OSError("disk full")
    assert sys.stderr.getvalue().endswith("\n") and "4/4" not in sys.stderr.getvalue()


@pytest.mark.parametrize("stream, total", [(io.StringIO(), 4), (Terminal(), 0)])
def test_files_get_no_bar(monkeypatch, stream, total):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(total, "trial") as move:
        move(1)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "seconds, done, total, words",
    [
        (10.0, 0, 5, ""),
        (10.0, 1, 5, "about 40 s left"),
        (100.0, 2, 5, "about 2 min left"),
        (3600.0, 1, 3, "about 2.0 h left"),
        (10.0, 5, 5, ""),
    ],
)
def test_the_time_left_is_that_of_the_units_so_far(seconds, done, total, words):
    assert time_left(seconds, done, total) == words
