"""The command `convert` as a user runs it."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from zoo.pretrained import conversion

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="files are written by TensorFlow")


def convert(*arguments):
    command = [sys.executable, "-m", "trainers.convert", *arguments]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_converted_file_agrees_with_the_model(tmp_path):
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("ai_edge_litert is not installed")
    model = zoo.RegularizedModel(zoo.networks.mlp((7,), 3, hidden_units=(5,)))
    model.build((None, 7))
    zoo.export(model, tmp_path / "models" / "toy")
    path = tmp_path / "new" / "toy.tflite"
    done = convert("--model=toy", f"--saved_models={tmp_path}/models", "--format=litert", f"--output={path}")
    assert done.returncode == 0, done.stderr
    told = float(done.stdout.rpartition("largest difference from the SavedModel: ")[2])
    assert 0 <= told <= conversion.TOLERANCE and str(path) in done.stdout
    x = conversion.random_inputs((7,))
    expected = keras.ops.softmax(model.predict(x, verbose=0))
    np.testing.assert_allclose(conversion.open_litert(path)(x), expected, atol=1e-5)
