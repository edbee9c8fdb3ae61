"""Image sets as plain NumPy files: what is written is read, and what is damaged is refused."""

import numpy as np
import pytest

from zoo import datasets
from zoo.datasets import numpy_files


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (17, 4, 5, 3), "uint8")
    labels = (np.arange(17) % 3).astype("int32")
    return images[:12], labels[:12], images[12:], labels[12:]


@pytest.fixture
def folder(tmp_path, monkeypatch, arrays):
    monkeypatch.setenv("ZOO_ARRAYS_DIR", str(tmp_path))
    numpy_files.write(tmp_path, "tiny", arrays, 3)
    return tmp_path


def test_a_set_is_read_as_it_was_written(folder, arrays):
    assert sorted(path.name for path in folder.iterdir()) == [f"tiny-{part}-of-3.npy" for part in (1, 2, 3)]
    data = datasets.load("tiny")
    for read, written in zip((data.x_train, data.y_train, data.x_test, data.y_test), arrays, strict=True):
        assert read.dtype == written.dtype and np.array_equal(read, written)
    assert data.num_classes == 3


def test_cifar10_fits_into_three_small_files():
    record = np.dtype([("image", "u1", (32, 32, 3)), ("label", "u1"), ("is_test", "?")])
    assert 20000 * record.itemsize < 60 * 2**20


def test_other_sets_come_from_tensorflow_datasets(folder, monkeypatch):
    assert numpy_files.read("mnist") is None
    monkeypatch.delenv("ZOO_ARRAYS_DIR")
    assert numpy_files.read("tiny") is None


def test_missing_and_damaged_files(folder):
    path = folder / "tiny-2-of-3.npy"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="tiny-2-of-3.npy is missing or damaged"):
        numpy_files.read("tiny")
    path.unlink()
    with pytest.raises(ValueError, match="tiny-2-of-3.npy is missing or damaged"):
        numpy_files.read("tiny")


def test_other_arrays(folder):
    np.save(folder / "tiny-1-of-3.npy", np.zeros((4, 4, 5, 3), "uint8"))
    with pytest.raises(ValueError, match="tiny-1-of-3.npy must hold records of image, label and is_test"):
        numpy_files.read("tiny")


def test_images_of_different_shapes_and_missing_splits(folder, arrays):
    x_train, y_train, x_test, y_test = arrays
    numpy_files.write(folder, "flat", (x_train[:, :2], y_train, x_test[:, :2], y_test), 3)
    (folder / "flat-1-of-3.npy").rename(folder / "tiny-1-of-3.npy")
    with pytest.raises(ValueError, match="must hold images of one shape, received"):
        numpy_files.read("tiny")
    numpy_files.write(folder, "trained", (x_train, y_train, x_test[:0], y_test[:0]), 2)
    with pytest.raises(ValueError, match=r"must hold training and test examples, received \d+ and \d+"):
        numpy_files.read("trained")
