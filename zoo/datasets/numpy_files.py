"""Image sets as plain NumPy files, for machines without TensorFlow Datasets.

A set `NAME` is a few files `NAME-1-of-N.npy`, in the folder that `ZOO_ARRAYS_DIR` names. Each holds records of three
fields: `image`, uint8 of one shape; `label`, uint8; `is_test`, whether the example belongs to the test split. Several
files keep each one small enough to be copied wherever large files are refused.
"""

import os
import pathlib

import numpy as np

from zoo.files import atomic


def write(folder, stem, arrays, parts):
    """Writes a set as files of about the same size, each of which appears whole.

    Args:
        folder: to write into; created if it is missing.
        stem: of the files' names.
        arrays: `x_train`, `y_train`, `x_test`, `y_test`: images `(n, height, width, channels)` in uint8, labels `(n,)`
            from 0 to 255.
        parts: number of files.

    Returns:
        Their paths.
    """
    x_train, y_train, x_test, y_test = arrays
    fields = [("image", "u1", x_train.shape[1:]), ("label", "u1"), ("is_test", "?")]
    records = np.zeros(len(x_train) + len(x_test), fields)
    records["image"], records["label"] = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    records["is_test"][len(x_train) :] = True
    paths = [pathlib.Path(folder) / f"{stem}-{part}-of-{parts}.npy" for part in range(1, parts + 1)]
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for path, part in zip(paths, np.array_split(records, parts), strict=True):
        with atomic(path) as temporary, open(temporary, "wb") as opened:
            np.save(opened, part)
    return paths


def read(stem):
    """Reads a set.

    Args:
        stem: of the files' names.

    Returns:
        `x_train`, `y_train`, `x_test`, `y_test`, `num_classes` as `zoo.datasets.tfds_images.load_images` does; None
        where `ZOO_ARRAYS_DIR` is not set, or names a folder without the set.

    Raises:
        ValueError: a file is missing or damaged, its arrays are of another kind, or a split lacks examples.
    """
    folder = os.environ.get("ZOO_ARRAYS_DIR")
    paths = sorted(pathlib.Path(folder).glob(f"{stem}-*-of-*.npy")) if folder else []
    if not paths:
        return None
    parts = int(paths[0].stem.rpartition("-")[2])
    records = [_read_part(paths[0].with_name(f"{stem}-{part}-of-{parts}.npy")) for part in range(1, parts + 1)]
    dtypes, files = {str(each.dtype) for each in records}, f"The files {stem}-*.npy in {folder} must hold"
    if len(dtypes) > 1:
        raise ValueError(f"{files} images of one shape, received {' and '.join(sorted(dtypes))}.")
    images, labels, is_test = (np.concatenate([each[field] for each in records]) for field in records[0].dtype.names)
    labels = labels.astype("int32")
    if is_test.all() or not is_test.any():
        raise ValueError(f"{files} training and test examples, received {sum(~is_test)} and {sum(is_test)}.")
    return images[~is_test], labels[~is_test], images[is_test], labels[is_test], int(labels.max()) + 1


def _read_part(path):
    """The records of one file."""
    try:
        records = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"The file {path} is missing or damaged ({error}).") from error
    kinds = {name: (kind.base, kind.ndim) for name, (kind, _) in (records.dtype.fields or {}).items()}
    if records.ndim != 1 or kinds != {"image": (np.uint8, 3), "label": (np.uint8, 0), "is_test": (np.bool_, 0)}:
        raise ValueError(
            f"The file {path} must hold records of image, label and is_test, the first in uint8 and of three axes, "
            f"received {records.dtype} of shape {records.shape}."
        )
    return records
