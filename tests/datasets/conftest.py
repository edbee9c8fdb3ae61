"""Small prepared sets in the format of TensorFlow Datasets."""

import os
import subprocess
import sys

import numpy as np
import pytest

# Written by another process, so that the tests of a backend without TensorFlow do not load it.
WRITER = """
import sys
import numpy as np, tensorflow as tf, tensorflow_datasets as tfds

def store(name, features, examples, splits):
    rows = lambda: iter(examples)
    shapes = {"image": (None, None, 3), "label": ()}
    signature = {k: tf.TensorSpec(shapes[k], tf.as_dtype(f.np_dtype)) for k, f in features.items()}
    data = {s: tf.data.Dataset.from_generator(rows, output_signature=signature) for s in splits}
    tfds.dataset_builders.store_as_tfds_dataset(
        name, "1.0.0", features=tfds.features.FeaturesDict(features), split_datasets=data,
        data_dir=sys.argv[1], disable_shuffling=True)

image, label = tfds.features.Image(shape=(None, None, 3)), tfds.features.ClassLabel(num_classes=3)
pixels = np.arange(12 * 4 * 5 * 3).reshape(12, 4, 5, 3).astype("uint8")
good = [{"image": p, "label": i % 3} for i, p in enumerate(pixels)]
store("tiny", {"image": image, "label": label}, good, ["train", "test"])
store("tiny_train_only", {"image": image, "label": label}, good, ["train"])
store("tiny_mixed", {"image": image, "label": label}, [good[0], {"image": pixels[1, :3], "label": 0}],
      ["train", "test"])
store("tiny_unlabeled", {"image": image}, [{"image": p} for p in pixels], ["train", "test"])
store("tiny_hidden_labels", {"image": image, "label": label}, [{"image": p, "label": -1} for p in pixels],
      ["train", "test"])
"""


@pytest.fixture(scope="session")
def prepared_sets(tmp_path_factory):
    """Folder with the prepared sets "tiny" and, each wrong in one way, "tiny_…"."""
    folder = tmp_path_factory.mktemp("tensorflow_datasets")
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, "-c", WRITER, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return folder


@pytest.fixture(scope="session")
def tiny_images():
    """The images of both splits of "tiny"; the label of image i is i mod 3."""
    return np.arange(12 * 4 * 5 * 3).reshape(12, 4, 5, 3).astype("uint8")
