"""Commands compute with the weights of a model from an address, and do not run its graph."""

import json
import shutil

import keras
import numpy as np
import pytest

import zoo
from tests.support import run_programs
from trainers.runs.serving import open_predictions
from zoo.optional import is_installed
from zoo.pretrained.card import write_card

PATH = zoo.pretrained.find("synthetic_mlp-vat")
ADDRESS = "https://models.example.org/synthetic_mlp-vat"  # nothing asks it


def test_the_weights_predict_what_the_graph_predicts():
    x = np.random.default_rng(0).normal(size=(7, 100)).astype("float32")
    graph, weights = (np.asarray(open_predictions(name, PATH)(x)) for name in (str(PATH), ADDRESS))
    np.testing.assert_allclose(weights, graph, atol=1e-5)
    assert np.ptp(graph, axis=0).max() > 1e-3  # it looks at its inputs


@pytest.fixture
def without_graph(model_server, tmp_path, monkeypatch):
    """The address of a model whose graph cannot be run."""
    folder = shutil.copytree(PATH, model_server.folder / PATH.name)
    (folder / "saved_model.pb").write_bytes(b"no graph")
    write_card(folder, json.loads((PATH / "card.json").read_text()))
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(OSError, match="Cannot parse file"):
        open_predictions(str(folder), folder)
    return f"{model_server.address}/{PATH.name}"


def run(command, *arguments):
    """What a command prints."""
    status, out, err = run_programs.run(command, *arguments)
    assert status == 0, err
    return out


def test_evaluate_runs_no_graph(without_graph):
    error = zoo.model_card(PATH)["errors"]["test"]
    assert f": error {error:.2f} %" in run("evaluate", f"--model={without_graph}")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="files are written by TensorFlow")
def test_convert_runs_no_graph(without_graph, tmp_path):
    if not is_installed("ai_edge_litert"):
        pytest.skip("ai_edge_litert is not installed")
    printed = run("convert", f"--model={without_graph}", "--format=litert", f"--output={tmp_path}/file.tflite")
    assert (
        float(printed.rpartition("largest difference from the SavedModel: ")[2]) <= zoo.pretrained.conversion.TOLERANCE
    )
