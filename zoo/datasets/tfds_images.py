"""Image classification sets of TensorFlow Datasets as arrays, without importing TensorFlow here.

Reading a prepared set needs TensorFlow. A child process does it once, whatever the backend, and leaves a file
of arrays in the cache folder: `ZOO_CACHE_DIR`, by default `~/.cache/regularized-zoo`.
"""

import os
import pathlib
import re
import subprocess
import sys
import zipfile

import numpy as np

from zoo.datasets import numpy_files

ARRAYS = ("x_train", "y_train", "x_test", "y_test", "num_classes")


def load_images(name):
    """Loads an image classification set from the cache, which is filled first where needed.

    Prepared sets are looked for where TensorFlow Datasets keeps them (`TFDS_DATA_DIR`, by default
    `~/tensorflow_datasets`), which is only read. A set that is not there is downloaded into the cache folder.
    The cache goes by the name alone: after a change of the prepared set, delete its file. Before all of that, a set may
    lie as NumPy files in the folder that `ZOO_ARRAYS_DIR` names, see `zoo.datasets.numpy_files`.

    Args:
        name: name of the set, with configuration and version where wanted: `"mnist"`, `"mnist:3.0.1"`,
            `"emnist/letters"`.

    Returns:
        `x_train`, `y_train`, `x_test`, `y_test`, `num_classes`: images `(n, height, width, channels)` in
        uint8, labels `(n,)` in int32, an int.

    Raises:
        ValueError: the name is malformed or unknown, the set is no image classification set with a train and
            a test split, or it can be neither found nor downloaded.
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
    *arrays, num_classes = arrays
    return (*arrays, int(num_classes))


def cache_folder():
    """The folder of the cached arrays, a `pathlib.Path`."""
    return pathlib.Path(os.environ.get("ZOO_CACHE_DIR", "~/.cache/regularized-zoo")).expanduser()


def _read_cache(file):
    """The cached arrays, or None when the file is missing or damaged: it is then written anew."""
    try:
        with open(file, "rb") as opened, np.load(opened) as arrays:
            return tuple(arrays[key] for key in ARRAYS)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _fill_cache(name, file):
    """Runs `zoo.datasets.tfds_reader` in a process of its own; its standard output is the error's text."""
    package_root = str(pathlib.Path(__file__).parents[2])
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        # The child only reads records: it must not take memory of an accelerator that this process trains on.
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")])),
    }
    command = [sys.executable, "-m", "zoo.datasets.tfds_reader", name, str(file)]
    child = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if child.returncode:
        reason = child.stdout.strip() or f"the reader ended with status {child.returncode}; see its messages above"
        raise ValueError(f"Cannot load the set {name!r}: {reason}")
