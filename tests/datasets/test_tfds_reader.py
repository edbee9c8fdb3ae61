"""Reading prepared sets, and the errors for those that cannot be read."""

import functools
import types

import numpy as np
import pytest

pytest.importorskip("tensorflow")
tfds_reader = pytest.importorskip("zoo.datasets.tfds_reader")


@pytest.fixture
def from_prepared(prepared_sets, monkeypatch):
    builder = functools.partial(tfds_reader.tfds.builder, data_dir=prepared_sets)
    monkeypatch.setattr(tfds_reader.tfds, "builder", builder)


def test_reads_both_splits(from_prepared, tmp_path, tiny_images):
    x_train, y_train, x_test, y_test, num_classes = tfds_reader.read("tiny", tmp_path)
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert x.dtype == np.uint8 and y.dtype == np.int32
        assert np.array_equal(x, tiny_images) and np.array_equal(y, np.arange(12) % 3)
    assert num_classes == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tiny_train_only", "no split test, only train"),
        ("tiny_mixed", "differ in size"),
        ("tiny_unlabeled", "not an image classification set: its features are image"),
        ("tiny_hidden_labels", "train split has examples without a label"),
        ("mnits", "no such set. Did you mean 'mnist'"),
        ("mnist:9.0.0", "only: 3"),
        ("emnist/letterz", "letterz"),
    ],
)
def test_refused_sets(from_prepared, tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        tfds_reader.read(name, tmp_path)


def test_failed_download_says_where_it_looked_and_what_to_do(monkeypatch, tmp_path):
    def fail():
        raise ConnectionError("no route to host\na second line")

    absent = types.SimpleNamespace(is_prepared=lambda: False, data_path="/data/mnist/3.0.1", download_and_prepare=fail)
    monkeypatch.setattr(tfds_reader.tfds, "builder", lambda name, data_dir=None: absent)
    with pytest.raises(ValueError) as caught:
        tfds_reader.read("mnist", tmp_path)
    message = str(caught.value)
    assert "/data/mnist/3.0.1" in message and "ConnectionError: no route to host" in message
    assert "TFDS_DATA_DIR" in message and "tfds build mnist" in message and "second line" not in message


def test_interrupted_write_leaves_nothing(monkeypatch, tmp_path):
    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(tfds_reader.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tfds_reader.write([0] * 5, tmp_path / "tiny.npz")
    assert not list(tmp_path.iterdir())
