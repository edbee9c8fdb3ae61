"""Reads an image classification set of TensorFlow Datasets and writes it as arrays.

`zoo.datasets.tfds_images` runs `python -m zoo.datasets.tfds_reader NAME FILE` as a child process, because this module
imports TensorFlow.
"""

import contextlib
import os
import pathlib
import sys
import threading
import urllib.parse
from collections.abc import Sequence
from typing import Any

import absl.logging
import keras
import numpy as np
import requests
import tensorflow as tf
import tensorflow_datasets as tfds

from zoo.datasets.tfds_images import ARRAYS
from zoo.files import atomic
from zoo.validation import did_you_mean

BATCH_SIZE = 1000
PATIENCE = 10.0  # seconds to wait for the server of a missing set


def read(name: str, download_folder: str | os.PathLike) -> tuple[Any, ...]:
    """Reads the train and the test split of a set.

    Args:
        name: name of the set, as `tfds.builder` takes it.
        download_folder: folder for the download of a set that is not prepared in the data folder of TFDS.

    Returns:
        The arrays of `zoo.datasets.tfds_images.ARRAYS`, in this order.

    Raises:
        ValueError: see `zoo.datasets.tfds_images.load_images`.

    Example:
        >>> from zoo.datasets.tfds_reader import read
        >>> read("mnits", "downloads")
        Traceback (most recent call last):
        ValueError: no such set. Did you mean 'mnist', 'kmnist' or 'emnist'? See tfds.list_builders().
    """
    builder = _prepared_builder(name, download_folder)
    features = builder.info.features
    found: Any = [features[key] if key in features else None for key in ("image", "label")]
    image, label = found
    if not isinstance(image, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise ValueError(f"it is not an image classification set: its features are {', '.join(features)}.")
    missing = sorted({"train", "test"} - set(builder.info.splits))
    if missing:
        raise ValueError(f"it has no split {' and '.join(missing)}, only {', '.join(builder.info.splits)}.")
    return *_read_split(builder, "train"), *_read_split(builder, "test"), np.asarray(label.num_classes)


def _read_split(builder: Any, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one split, in the order of TFDS."""
    num_batches = -(-builder.info.splits[split].num_examples // BATCH_SIZE)
    bar = keras.utils.Progbar(num_batches, verbose=int(sys.stdout.isatty()), unit_name="batch")
    batches = []
    try:
        # Not TFDS's own batches, which would pad smaller images with zeros.
        for batch in builder.as_dataset(split=split).batch(BATCH_SIZE).as_numpy_iterator():
            batches.append(batch)
            bar.add(1)
    except tf.errors.InvalidArgumentError as error:
        if "different shapes" not in str(error):
            raise
        shape = builder.info.features["image"].shape
        raise ValueError(f"its images differ in size (declared {shape}), so they do not fit into one array.") from None
    images = np.concatenate([batch["image"] for batch in batches])
    if images.dtype != np.uint8:
        raise ValueError(f"its images are {images.dtype}, not uint8.")
    labels = np.concatenate([batch["label"] for batch in batches]).astype("int32")
    if labels.min() < 0:
        raise ValueError(f"its {split} split has examples without a label.")
    return images, labels


def _prepared_builder(name: str, download_folder: str | os.PathLike) -> Any:
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
        _check_server(builder)
        builder = tfds.builder(name, data_dir=download_folder)
        builder.download_and_prepare()
    except Exception as error:
        raise ValueError(
            f"it is not in {looked_in}, and the download failed ({type(error).__name__}: {_first_line(error)}). Set "
            f"TFDS_DATA_DIR to a folder with the prepared set, or run `tfds build {name}` with network access."
        ) from error
    return builder


def _check_server(builder: Any) -> None:
    """Asks the server of a set for an answer, because TFDS itself retries for minutes and waits without a limit.

    Raises:
        ConnectionError: there is none within `PATIENCE`.
    """
    addresses = [address for address in builder.url_infos or () if address.startswith("http")]
    if not addresses:
        return
    answers = []

    def ask():
        with contextlib.suppress(requests.RequestException):
            answers.append(requests.head(addresses[0], timeout=PATIENCE))

    thread = threading.Thread(target=ask, daemon=True)  # requests sets no limit to the resolution of names
    thread.start()
    thread.join(PATIENCE)
    if not answers:
        raise ConnectionError(f"no answer from {urllib.parse.urlsplit(addresses[0]).netloc}")


def _nearest(name: str) -> str:
    names = ["synthetic", *tfds.list_builders(with_community_datasets=False)]  # the first name is the zoo's own set
    return did_you_mean(name, names)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]


def write(arrays: Sequence[Any], file: pathlib.Path) -> None:
    """Writes the arrays atomically and creates the folder.

    Args:
        arrays: the arrays of `zoo.datasets.tfds_images.ARRAYS`, in this order.
        file: the `.npz` file.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from zoo.datasets.tfds_reader import write
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder) / "tiny.npz"
        ...     write([np.zeros((2, 4, 4, 3)), np.arange(2), np.zeros((2, 4, 4, 3)), np.arange(2), 2], file)
        ...     sorted(np.load(file))
        ['num_classes', 'x_test', 'x_train', 'y_test', 'y_train']
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic(file) as temporary, open(temporary, "wb") as opened:
        np.savez(opened, **dict(zip(ARRAYS, arrays, strict=True)))


def main(name: str, path: str) -> None:
    """Reads a set and writes it.

    Standard error is a file, with what libraries wrote while they loaded. An error that the user can act on replaces
    it. Progress goes to standard output.

    Args:
        name: name of the set.
        path: the `.npz` file.
    """
    errors = os.fdopen(os.dup(2), "w")
    errors.seek(0)
    errors.truncate()
    os.dup2(1, 2)  # TFDS writes its progress to both
    absl.logging.set_verbosity(absl.logging.ERROR)
    file = pathlib.Path(path)
    try:
        write(read(name, file.parent / "tensorflow_datasets"), file)
    except (ValueError, OSError) as error:
        print(*str(error).split(), file=errors, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
