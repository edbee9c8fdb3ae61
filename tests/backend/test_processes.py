"""Errors and checks across processes; `test_distribution` runs several real processes."""

import pytest

from zoo.backend import processes
from zoo.backend.processes import all_or_none, check_same


def test_an_error_of_this_process_is_raised_as_it_is():
    with pytest.raises(KeyError, match="mine"):
        with all_or_none():
            raise KeyError("mine")


def test_an_error_of_another_process_is_raised_here(monkeypatch):
    monkeypatch.setattr(processes, "gather", lambda failed: [failed, True])
    with pytest.raises(ConnectionError, match="Process 1 of this run failed"):
        with all_or_none():
            pass


def test_different_integers_are_refused(monkeypatch):
    check_same("epoch", 3)
    monkeypatch.setattr(processes, "gather", lambda value: [value, 4])
    with pytest.raises(ValueError, match=r"the same epoch, received \[3, 4\]"):
        check_same("epoch", 3)
