"""The cache of image sets and the child process that fills it."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from zoo.datasets import tfds_images

TRAIN_WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None  # importing it is an error from here on
import keras
import numpy as np
import zoo.layers
from zoo import datasets, networks
np.savez(sys.argv[1], *datasets.tfds_images.load_images("tiny:1.0.0"))
data = datasets.load("tiny:1.0.0", num_validation=3)
network = networks.mlp((4, 5, 3), 3, hidden_units=(4,))
model = keras.Sequential([zoo.layers.PerImageContrastNormalization(), network])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
model.fit(datasets.Batches(data.x_train, data.y_train, 4), verbose=0)
datasets.load("synthetic")
print("trained")
"""


@pytest.fixture
def tiny(prepared_sets, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared_sets))
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_first_load_fills_the_cache_and_the_next_reads_it(tiny, tiny_images, tmp_path_factory, monkeypatch):
    """The first load is that of a process that trains on JAX and may not import TensorFlow."""
    loaded = tmp_path_factory.mktemp("loaded") / "first.npz"
    root = str(pathlib.Path(tfds_images.__file__).parents[2])
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": root}
    command = [sys.executable, "-c", TRAIN_WITHOUT_TENSORFLOW, str(loaded)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "trained", done.stderr
    assert [file.name for file in tiny.iterdir()] == ["tiny-1.0.0.npz"]
    monkeypatch.setattr(tfds_images, "_fill_cache", None)
    *_, num_classes = again = tfds_images.load_images("tiny:1.0.0")
    assert isinstance(num_classes, int)
    for x_train, y_train, x_test, _, num_classes in (np.load(loaded).values(), again):
        assert np.array_equal(x_train, tiny_images) and np.array_equal(x_test, tiny_images)
        assert y_train.dtype == np.int32 and num_classes == 3


def test_error_of_the_child_comes_without_traceback(tiny):
    with pytest.raises(ValueError) as caught:
        tfds_images.load_images("tiny_unlabeled")
    assert "'tiny_unlabeled'" in str(caught.value) and "its features are image" in str(caught.value)
    assert "Traceback" not in str(caught.value) and not list(tiny.iterdir())


@pytest.mark.parametrize("damage", ["truncated", "one byte", "empty", "no archive", "other arrays"])
def test_damaged_cache_is_written_anew(tmp_path, monkeypatch, damage):
    arrays = {key: np.full((50,), i) for i, key in enumerate(tfds_images.ARRAYS[:-1])} | {"num_classes": 7}
    file = tmp_path / "tiny.npz"

    def fill(name, target):
        assert (name, target) == ("tiny", file)
        np.savez(target, **arrays)

    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tfds_images, "_fill_cache", fill)
    fill("tiny", file)
    whole = file.read_bytes()
    position = whole.index(b"\x01" + bytes(7))  # in the middle of an array's values
    damaged = {
        "truncated": whole[: len(whole) // 2],
        "one byte": whole[:position] + b"\x09" + whole[position + 1 :],
        "empty": b"",
        "no archive": b"not a zip archive",
    }
    if damage == "other arrays":
        np.savez(file, something=np.zeros(3))
    else:
        file.write_bytes(damaged[damage])
    *loaded, num_classes = tfds_images.load_images("tiny")
    assert num_classes == 7
    assert all(np.array_equal(a, b) for a, b in zip(loaded, arrays.values(), strict=False))


@pytest.mark.parametrize("name", ["", "../mnist", "mnist/../x", "a b", None])
def test_malformed_names(name):
    with pytest.raises(ValueError, match="name looks like"):
        tfds_images.load_images(name)


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path))
    assert tfds_images.cache_folder() == tmp_path
    monkeypatch.delenv("ZOO_CACHE_DIR")
    assert tfds_images.cache_folder() == pathlib.Path.home() / ".cache" / "regularized-zoo"


def test_a_file_that_is_damaged_as_soon_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tfds_images, "_fill_cache", lambda name, file: file.write_bytes(b"PK half"))
    with pytest.raises(ValueError, match=f"{tmp_path / 'tiny.npz'} is damaged although .* Is the disk full"):
        tfds_images.load_images("tiny")


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Stands for the child process. It prints nothing, and writes a cache file if its status is 0."""
    seen = []

    def make(status):
        def run(command, env, **streams):
            seen.append(env)
            if not status:
                np.savez(command[-1], **dict.fromkeys(tfds_images.ARRAYS, 7))
            return subprocess.CompletedProcess(command, status)

        monkeypatch.setattr(tfds_images.subprocess, "run", run)
        monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path))
        return seen

    return make


def test_the_child_runs_tensorflow_without_the_accelerator(child, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    seen = child(0)
    assert tfds_images.load_images("tiny") == (7,) * 5
    assert [(env["KERAS_BACKEND"], env["CUDA_VISIBLE_DEVICES"]) for env in seen] == [("tensorflow", "")]


def test_a_child_that_dies_without_a_word(child, tmp_path):
    child(-9)
    with pytest.raises(ValueError, match="Cannot load the set 'tiny': the reader ended with status -9"):
        tfds_images.load_images("tiny")
    assert not list(tmp_path.iterdir())
