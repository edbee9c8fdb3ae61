"""Reading prepared sets, and the errors for those that cannot be read."""

import functools
import http.server
import socket
import threading
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


def missing_set(monkeypatch, addresses, **methods):
    """Makes every name that of a set that is not prepared, and whose files have these addresses."""
    missing = types.SimpleNamespace(
        is_prepared=lambda: False, data_path="/data/mnist/3.0.1", url_infos=addresses, **methods
    )
    monkeypatch.setattr(tfds_reader.tfds, "builder", lambda name, data_dir=None: missing)


@pytest.fixture
def silent_server():
    """A server on this machine that takes connections and never answers; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/set.zip"


def test_failed_download_says_where_it_looked_and_what_to_do(monkeypatch, tmp_path):
    def fail():
        raise ConnectionError("no route to host\na second line")

    missing_set(monkeypatch, None, download_and_prepare=fail)
    with pytest.raises(ValueError) as caught:
        tfds_reader.read("mnist", tmp_path)
    message = str(caught.value)
    assert "/data/mnist/3.0.1" in message and "ConnectionError: no route to host" in message
    assert "TFDS_DATA_DIR" in message and "tfds build mnist" in message and "second line" not in message


def test_a_silent_server_is_not_waited_for(monkeypatch, tmp_path, silent_server):
    monkeypatch.setattr(tfds_reader, "PATIENCE", 0.2)
    missing_set(monkeypatch, {silent_server: None})  # has no `download_and_prepare`
    with pytest.raises(ValueError, match="no answer from 127.0.0.1:.*tfds build mnist"):
        tfds_reader.read("mnist", tmp_path)


def test_a_name_without_an_address_fails_at_once(monkeypatch, tmp_path):
    missing_set(monkeypatch, {"https://nowhere.invalid/set.zip": None})
    with pytest.raises(ValueError, match="no answer from nowhere.invalid.*TFDS_DATA_DIR"):
        tfds_reader.read("mnist", tmp_path)


def test_a_server_that_answers_anything_is_asked_for_the_set(monkeypatch, tmp_path):
    def download():
        raise ConnectionError("broken")

    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  # knows no method: status 501
    threading.Thread(target=server.handle_request, daemon=True).start()
    missing_set(monkeypatch, {f"http://127.0.0.1:{server.server_port}/x": None}, download_and_prepare=download)
    with server, pytest.raises(ValueError, match="ConnectionError: broken"):
        tfds_reader.read("mnist", tmp_path)


def test_interrupted_write_leaves_nothing(monkeypatch, tmp_path):
    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(tfds_reader.np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tfds_reader.write([0] * 5, tmp_path / "tiny.npz")
    assert not list(tmp_path.iterdir())
