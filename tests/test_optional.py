"""Libraries that may be missing."""

import sys

import pytest

from zoo.optional import is_installed, require


def test_an_installed_library_is_imported():
    assert require("json.decoder", "A test", "report").JSONDecoder


@pytest.mark.parametrize("extra, target", [("report", r"'\.\[report\]'"), (None, "missing")])
def test_a_missing_library_is_named_with_the_way_to_install_it(extra, target):
    with pytest.raises(
        ImportError, match=rf"^Moving inputs needs missing, which is not installed: pip install {target}.$"
    ):
        require("missing.part", "Moving inputs", extra)


def test_an_import_that_is_blocked_counts_as_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "json", None)
    with pytest.raises(ImportError, match="A test needs json, which is not installed"):
        require("json", "A test")
    assert not is_installed("json")


def test_a_broken_installation_keeps_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import no_such_dependency")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_dependency'"):
        require("broken_library", "A test")


@pytest.mark.parametrize(
    "module, expected", [("json", True), ("json.decoder", True), ("json.no_such_part", False), ("missing.part", False)]
)
def test_is_installed(module, expected):
    assert is_installed(module) is expected


def test_is_installed_does_not_import(tmp_path, monkeypatch):
    (tmp_path / "untouched_library.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    assert is_installed("untouched_library") and "untouched_library" not in sys.modules
