"""The examples in docstrings run, each docstring as one program in an empty folder; arguments and sources are named."""

import keras
import numpy as np
import pytest

import zoo
from tests.support.docstrings import documents
from tests.support.documents import ROOT

EXAMPLES = [document for path in sorted((ROOT / "zoo").rglob("*.py")) for document in documents(path)]


def name_of(document):
    """A document's file and the line of its first example."""
    (first, *_) = document.examples()
    return f"{document.path.removeprefix(f'{ROOT}/')}:{first.line}"


def run(document):
    """Runs the examples of a docstring in one namespace."""
    document.namespace.update(keras=keras, np=np, zoo=zoo)
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("document", EXAMPLES, ids=name_of)
def test_example_runs(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(document)


def write(folder, *docstrings):
    """A module with functions of these docstrings."""
    path = folder / "module.py"
    functions = [f'def function_{i}():\n    """What it does.\n\n{text}    """\n' for i, text in enumerate(docstrings)]
    path.write_text("\n\n".join(functions))
    return path


@pytest.mark.parametrize(
    ("docstring", "line"),
    [
        ("    Example:\n        >>> 1 + 1\n        3\n", 5),
        ("    Example:\n        >>> 1 + 1\n        2\n        >>> 1 + 2\n        4\n", 7),
        ("    Example:\n        Two ones.\n\n        >>> 1 + 1\n        3\n", 7),
        ("    Example:\n        x = 1\n\n        assert x == 2\n", 7),
        ("    Example:\n\n        assert False\n\n    Source: a book.\n", 6),
        ("    Example:\n        ```python\n        assert False\n        ```\n", 6),
    ],
)
def test_a_wrong_example_fails_at_its_line(docstring, line, tmp_path):
    (document,) = documents(write(tmp_path, docstring))
    with pytest.raises(AssertionError) as caught:
        run(document)
    lines = {entry.lineno + 1 for entry in caught.traceback if str(entry.path) == document.path}
    assert lines == {line} or f"line {line}," in str(caught.value)


def test_docstrings_share_no_names(tmp_path):
    first, second = documents(write(tmp_path, "    Example:\n        x = 1\n", "    Example:\n        x\n"))
    run(first)
    with pytest.raises(NameError):
        run(second)
