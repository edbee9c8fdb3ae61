"""Small prepared sets in the format of TensorFlow Datasets."""

import numpy as np
import pytest


def store(folder, name, examples, splits=("train", "test")):
    """Writes a set whose splits have the same examples, `{"image": array}` or `{"image": array, "label": integer}`."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    kinds = {"image": tfds.features.Image(shape=(None, None, 3)), "label": tfds.features.ClassLabel(num_classes=3)}
    shapes = {"image": (None, None, 3), "label": ()}
    features = {key: kinds[key] for key in examples[0]}
    signature = {key: tf.TensorSpec(shapes[key], tf.as_dtype(kind.np_dtype)) for key, kind in features.items()}
    data = tf.data.Dataset.from_generator(lambda: iter(examples), output_signature=signature)
    tfds.dataset_builders.store_as_tfds_dataset(
        name,
        "1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets=dict.fromkeys(splits, data),
        data_dir=folder,
        disable_shuffling=True,
    )


@pytest.fixture(scope="session")
def prepared_sets(tmp_path_factory, tiny_images):
    """Folder with the prepared sets "tiny" and, each wrong in one way, "tiny_…"."""
    folder = tmp_path_factory.mktemp("tensorflow_datasets")
    good = [{"image": image, "label": i % 3} for i, image in enumerate(tiny_images)]
    store(folder, "tiny", good)
    store(folder, "tiny_train_only", good, ["train"])
    store(folder, "tiny_mixed", [good[0], {"image": tiny_images[1, :3], "label": 0}])
    store(folder, "tiny_unlabeled", [{"image": image} for image in tiny_images])
    store(folder, "tiny_hidden_labels", [{"image": image, "label": -1} for image in tiny_images])
    return folder


@pytest.fixture(scope="session")
def tiny_images():
    """The images of both splits of "tiny"; the label of image i is i mod 3."""
    return np.arange(12 * 4 * 5 * 3).reshape(12, 4, 5, 3).astype("uint8")
