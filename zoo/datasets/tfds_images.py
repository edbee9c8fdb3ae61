"""Image classification sets of TensorFlow Datasets as arrays, without importing TensorFlow.

Only a child process imports TensorFlow, on every backend. It reads the prepared set once and writes a file of arrays
into the cache folder, `ZOO_CACHE_DIR`, by default `~/.cache/regularized-zoo`.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

from zoo.datasets import numpy_files
from zoo.files import cache_folder

STANDARD_ERROR = 2  # file descriptor
ARRAYS = ("x_train", "y_train", "x_test", "y_test", "num_classes")


def load_images(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Loads an image classification set from the cache. Fills the cache first if necessary.

    The child process looks for a prepared set in the folder of TensorFlow Datasets (`TFDS_DATA_DIR`, by default
    `~/tensorflow_datasets`), where it writes nothing. It downloads a missing set into the cache folder. The cache
    depends on the name alone: if the prepared set changes, delete its file.

    Before all of that it looks for NumPy files in the folder `ZOO_ARRAYS_DIR`, see `zoo.datasets.numpy_files`.

    Args:
        name: name of the set, optionally with configuration and version: `"mnist"`, `"mnist:3.0.1"`,
            `"emnist/letters"`.

    Returns:
        `x_train`, `y_train`, `x_test`, `y_test`, `num_classes`: images `(n, height, width, channels)` in uint8, labels
        `(n,)` in int32, an integer.

    Raises:
        ValueError: the name is malformed or unknown, the set is not an image classification set with a train and a
            test split, or it is neither prepared nor downloadable.

    Example:
        >>> from zoo.datasets.tfds_images import load_images
        >>> load_images("../mnist")
        Traceback (most recent call last):
        ValueError: A set's name looks like 'mnist', 'mnist:3.0.1' or 'emnist/letters', received '../mnist'.
    """
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.+-]*(/[\w.+-]+)?(:[\w.*]+)?", name):
        raise ValueError(f"A set's name looks like 'mnist', 'mnist:3.0.1' or 'emnist/letters', received {name!r}.")
    stem = name.replace("/", "-").replace(":", "-").replace("*", "x")
    if plain := numpy_files.read(stem):
        return plain
    file = cache_folder() / f"{stem}.npz"
    arrays = _read_cache(file)
    if arrays is None:
        _fill_cache(name, file)
        arrays = _read_cache(file)
    if arrays is None:
        raise ValueError(f"The cache file {file} is damaged although it was just written. Is the disk full?")
    x_train, y_train, x_test, y_test, num_classes = arrays
    return x_train, y_train, x_test, y_test, int(num_classes)


def _read_cache(file: pathlib.Path) -> tuple[np.ndarray, ...] | None:
    """The cached arrays, or None if the file is missing or damaged."""
    try:
        with open(file, "rb") as opened, np.load(opened) as arrays:
            return tuple(arrays[key] for key in ARRAYS)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _fill_cache(name: str, file: pathlib.Path) -> None:
    """Runs `zoo.datasets.tfds_reader` in a child process, whose standard output is our standard error."""
    package_root = str(pathlib.Path(__file__).parents[2])
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        # The child reads records only. It must not take memory of the accelerator that this process trains on.
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")])),
    }
    command = [sys.executable, "-m", "zoo.datasets.tfds_reader", name, str(file)]
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.run(command, env=environment, stdout=STANDARD_ERROR, stderr=errors)
        errors.seek(0)
        lines = errors.read().strip().splitlines()
    if child.returncode:
        reason = lines[-1] if lines else f"the reader ended with status {child.returncode}; see its messages above."
        raise ValueError(f"Cannot load the set {name!r}: {reason}")
