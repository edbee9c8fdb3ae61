"""Reads an image classification set of TensorFlow Datasets and writes it as arrays.

`python -m zoo.datasets.tfds_reader NAME FILE`, a process of its own because it imports TensorFlow.
"""

import contextlib
import difflib
import pathlib
import sys

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from zoo.datasets.tfds_images import ARRAYS
from zoo.files import atomic

BATCH_SIZE = 1000


def read(name, download_folder):
    """Reads the train and the test split of a set.

    Args:
        name: name of the set, as `tfds.builder` takes it.
        download_folder: where a set goes that is not prepared in TFDS's own data folder.

    Returns:
        The arrays of `zoo.datasets.tfds_images.ARRAYS`, in this order.

    Raises:
        ValueError: see `zoo.datasets.tfds_images.load_images`.
    """
    builder = _prepared_builder(name, download_folder)
    features = builder.info.features
    image, label = (features[key] if key in features else None for key in ("image", "label"))
    if not isinstance(image, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise ValueError(f"it is no image classification set: its features are {', '.join(features)}.")
    missing = sorted({"train", "test"} - set(builder.info.splits))
    if missing:
        raise ValueError(f"it has no split {' and '.join(missing)}, only {', '.join(builder.info.splits)}.")
    return *_read_split(builder, "train"), *_read_split(builder, "test"), np.int64(label.num_classes)


def _read_split(builder, split):
    """Images and labels of one split, in the order in which TFDS keeps them."""
    try:
        # `batch`, because TFDS's own batches would fill smaller images up with zeros.
        batches = list(builder.as_dataset(split=split).batch(BATCH_SIZE).as_numpy_iterator())
    except tf.errors.InvalidArgumentError as error:
        if "different shapes" not in str(error):
            raise
        shape = builder.info.features["image"].shape
        raise ValueError(f"its images differ in size (declared {shape}); they do not fit into one array.") from None
    images = np.concatenate([batch["image"] for batch in batches])
    if images.dtype != np.uint8:
        raise ValueError(f"its images are {images.dtype}, not uint8.")
    labels = np.concatenate([batch["label"] for batch in batches]).astype("int32")
    if labels.min() < 0:
        raise ValueError(f"its {split} split has examples without a label.")
    return images, labels


def _prepared_builder(name, download_folder):
    try:
        builder = tfds.builder(name)
    except tfds.core.DatasetNotFoundError:
        raise ValueError(f"no such set.{_nearest(name)} See tfds.list_builders().") from None
    except (AssertionError, ValueError) as error:
        raise ValueError(str(error)) from None
    if builder.is_prepared():
        return builder
    looked_in = pathlib.Path(builder.data_path)
    try:
        builder = tfds.builder(name, data_dir=download_folder)
        builder.download_and_prepare()
    except Exception as error:
        raise ValueError(
            f"not found in {looked_in}, and the download failed "
            f"({type(error).__name__}: {_first_line(error)}). "
            "Set TFDS_DATA_DIR to a folder that has the prepared set, "
            f"or run `tfds build {name}` with network access."
        ) from error
    return builder


def _nearest(name):
    names = ["synthetic", *tfds.list_builders(with_community_datasets=False)]  # the first is the zoo's own
    near = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _first_line(error):
    return (str(error).strip().splitlines() or [""])[0]


def write(arrays, file):
    """Writes the arrays to `file` in one step, so that a reader finds all of it or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic(file) as temporary, open(temporary, "wb") as opened:
        np.savez(opened, **dict(zip(ARRAYS, arrays, strict=True)))


def main(name, file):
    """Reads the set and writes it. An error that the user can act on goes to standard output, as one text."""
    file = pathlib.Path(file)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where TFDS reports its progress
            write(read(name, file.parent / "tensorflow_datasets"), file)
    except (ValueError, OSError) as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
