"""The command `convert`, in a separate process where it is asked for silence."""

import importlib.util
import json

import keras
import numpy as np
import pytest

import zoo
from tests.support.run_programs import run, start
from zoo.pretrained import conversion, runtimes

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="files are written by TensorFlow")


def test_converted_file_agrees_with_the_model(tmp_path):
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("ai_edge_litert is not installed")
    model = zoo.RegularizedModel(zoo.networks.mlp((7,), 3, hidden_units=(5,)))
    model.build((None, 7))
    zoo.export(model, tmp_path / "models" / "toy")
    path = tmp_path / "new" / "toy.tflite"
    places = [f"--saved_models={tmp_path}/models", f"--output={path}"]
    status, out, err = run("convert", "--model=toy", "--format=litert", *places)
    assert status == 0, err
    told = float(out.rpartition("largest difference from the SavedModel: ")[2])
    assert 0 <= told <= conversion.TOLERANCE and str(path) in out
    x = conversion.random_inputs((7,))
    expected = keras.ops.softmax(model.predict(x, verbose=0))
    np.testing.assert_allclose(runtimes.open_litert(path)(x), expected, atol=1e-5)


def test_a_quantized_file_is_measured(tmp_path):
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("ai_edge_litert is not installed")
    path, name = tmp_path / "quantized.tflite", "synthetic_mlp-vat"
    options = ("--format=litert", "--batch_size=1", "--quantize=int8", f"--output={path}")
    done = start("convert", f"--model={name}", *options, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"Converting {name} to litert") and done.stderr.count("\n") == 1
    printed = json.loads(done.stdout)
    assert printed["file"] == str(path) and printed["bytes"] == path.stat().st_size
    assert printed["batch_size"] == 1 and 0 < printed["largest_difference"] < 1
    card = zoo.model_card(name)
    data = zoo.datasets.load("synthetic", seed=card["seed"])
    error = zoo.pretrained.error_percent(runtimes.in_batches(runtimes.open_litert(path), 1), data.x_test, data.y_test)
    assert printed["errors"] == pytest.approx({"file": error, "saved_model": card["errors"]["test"]})
    assert error < card["errors"]["test"] + 0.5  # chance is 50
