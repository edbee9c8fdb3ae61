"""The error on a published model's card is what its SavedModel gives, with TensorFlow's loader."""

import json
import os
import pathlib

import keras
import numpy as np
import pytest

import zoo

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "saved_models"
SYNTHETIC = sorted(path.name for path in FOLDER.glob("synthetic_*"))
HAS_MNIST = (pathlib.Path(os.environ.get("TFDS_DATA_DIR", "/nowhere")) / "mnist").is_dir()
needs_mnist = pytest.mark.skipif(not HAS_MNIST, reason="TFDS_DATA_DIR names no folder with a prepared MNIST")

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow runs SavedModels")


def test_there_are_synthetic_models():
    assert len(SYNTHETIC) > 5


@pytest.mark.parametrize("name", [*SYNTHETIC, pytest.param("mnist_mlp-vat", marks=needs_mnist)])
def test_error_on_the_card_is_the_models(name):
    import tensorflow as tf

    card = json.loads((FOLDER / name / "card.json").read_text())
    data = zoo.datasets.load(card["recipe"]["dataset"], seed=card["seed"])
    model = tf.saved_model.load(FOLDER / name)
    wrong = np.argmax(model.serve(data.x_test.astype("float32")), axis=1) != data.y_test
    # Another processor may decide an example otherwise whose two classes tie in single precision.
    assert 100 * np.mean(wrong) == pytest.approx(card["errors"]["test"], abs=100.5 / len(wrong))
