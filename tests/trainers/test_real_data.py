"""One short real run: from prepared MNIST files to a SavedModel that TensorFlow reads without this library."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo

pytestmark = pytest.mark.skipif(
    not (pathlib.Path(os.environ.get("TFDS_DATA_DIR", "/nowhere")) / "mnist").is_dir(),
    reason="TFDS_DATA_DIR names no folder with a prepared MNIST",
)

ALONE = """
import sys
sys.modules["zoo"] = None
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[2], model.serve(np.load(sys.argv[3])))
"""


def test_mnist_recipe_trains_exports_and_reloads(tmp_path, monkeypatch):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "ZOO_CACHE_DIR": str(tmp_path / "cache")}
    command = [
        *(sys.executable, "-m", "trainers.train", "--recipe=mnist_mlp-vmt_shift", "--epochs=1", "--verbose=0"),
        *("--override=batch_size=200", "--override=network.hidden_units=[300, 100]", f"--workdir={tmp_path}/work"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    model = tmp_path / "work" / "saved_model" / "mnist_mlp-vmt_shift"
    card = json.loads((model / "card.json").read_text())
    assert card["errors"]["test"] < 6

    monkeypatch.setenv("ZOO_CACHE_DIR", environment["ZOO_CACHE_DIR"])
    data = zoo.datasets.load("mnist")
    np.save(tmp_path / "x.npy", data.x_test.astype("float32"))
    command = [sys.executable, "-c", ALONE, str(model), str(tmp_path / "p.npy"), str(tmp_path / "x.npy")]
    subprocess.run(command, check=True, env=environment)
    probabilities = np.load(tmp_path / "p.npy")
    assert 100 * np.mean(np.argmax(probabilities, axis=1) != data.y_test) == pytest.approx(card["errors"]["test"])
    loaded = zoo.load(model)
    logits = loaded.predict(data.x_test[:500], verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(logits), probabilities[:500], rtol=1e-4, atol=1e-5)
