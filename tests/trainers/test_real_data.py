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
from tests.support.run_programs import train
from zoo.datasets import tfds_images

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


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """An empty cache, which the first test fills."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def test_mnist_recipe_trains_exports_and_reloads(tmp_path):
    small = ["--epochs=1", "--override=batch_size=200", "--override=network.hidden_units=[300, 100]", "--verbose=0"]
    train("--recipe=mnist_mlp-vmt_shift", *small, f"--workdir={tmp_path}/work")
    model = tmp_path / "work" / "saved_model" / "mnist_mlp-vmt_shift"
    card = json.loads((model / "card.json").read_text())
    assert card["errors"]["test"] < 6

    data = zoo.datasets.load("mnist")
    np.save(tmp_path / "x.npy", data.x_test.astype("float32"))
    command = [sys.executable, "-c", ALONE, str(model), str(tmp_path / "p.npy"), str(tmp_path / "x.npy")]
    subprocess.run(command, check=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})
    probabilities = np.load(tmp_path / "p.npy")
    assert 100 * np.mean(np.argmax(probabilities, axis=1) != data.y_test) == pytest.approx(card["errors"]["test"])
    loaded = zoo.load(model)
    logits = loaded.predict(data.x_test[:500], verbose=0)
    np.testing.assert_allclose(keras.ops.softmax(logits), probabilities[:500], rtol=1e-4, atol=1e-5)


def test_mnist():
    x_train, y_train, x_test, y_test, num_classes = tfds_images.load_images("mnist")
    assert x_train.shape == (60000, 28, 28, 1) and x_test.shape == (10000, 28, 28, 1)
    assert x_train.dtype == np.uint8 and (x_train.min(), x_train.max()) == (0, 255)
    assert num_classes == 10 and set(y_train) == set(y_test) == set(range(10))
    # Images and labels belong together: class means of the training set classify most test images.
    means = np.stack([x_train[y_train == k].mean(0).ravel() for k in range(10)])
    scores = x_test.reshape(10000, -1).astype("float32") @ means.T - (means**2).sum(1) / 2
    assert np.mean(scores.argmax(1) == y_test) > 0.8
