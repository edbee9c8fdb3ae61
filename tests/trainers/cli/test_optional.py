"""Whether an optional library is installed."""

import sys

from trainers.cli.optional import is_installed


def test_installed_missing_and_blocked_modules(monkeypatch):
    assert is_installed("json") and not is_installed("no_such_module")
    monkeypatch.setitem(sys.modules, "colorsys", None)
    assert not is_installed("colorsys")
