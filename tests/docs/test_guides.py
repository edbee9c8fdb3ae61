"""The code in the README and in the guides runs, each document as one program in an empty folder."""

import importlib.util

import keras
import numpy as np
import pytest
from sybil import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.support.documents import GUIDES, ROOT

ON_JAX = {"jax-and-gpu.md"}
NEEDED = {"onnx-and-litert.md": ["tf2onnx", "onnxruntime", "ai_edge_litert"]}
PROGRAMS = [ROOT / "README.md", *GUIDES]
GIVEN = {"README.md": {"images": np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1)).astype("float32")}}


def run(path):
    """Runs a document's Python blocks in one namespace; tracebacks name the document's own lines."""
    document = Document.parse(str(path), PythonCodeBlockParser())
    document.namespace.update(GIVEN.get(path.name, {}), __name__=path.stem)
    examples = list(document.examples())
    for example in examples:
        example.evaluate()
    return len(examples)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_code_runs(path, tmp_path, monkeypatch):
    if (keras.backend.backend() == "jax") != (path.name in ON_JAX):
        pytest.skip("runs on the other backend")
    for package in NEEDED.get(path.name, ()):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    if keras.backend.backend() == "tensorflow":  # where XLA takes seconds to compile what runs in milliseconds
        monkeypatch.setattr("zoo.training.execution_plan._choose_jit_compile", lambda seen: False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved_models").mkdir()
    (tmp_path / "saved_models" / "mnist_mlp-vat").symlink_to(ROOT / "saved_models" / "mnist_mlp-vat")
    assert run(path) == path.read_text().count("\n```python\n")


def test_failing_code_fails_at_its_line(tmp_path):
    path = tmp_path / "wrong.md"
    path.write_text("# Wrong\n\n```sh\nexit 1\n```\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        run(path)
    assert caught.traceback[-1].lineno + 1 == 12
