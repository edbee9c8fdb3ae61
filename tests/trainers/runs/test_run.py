"""Runs that lose the disk, the folder, the data or the clock keep what they saved."""

import errno
import itertools
import os
import pathlib
import resource
import time

import keras
import numpy as np
import pytest

from benchmarks.outcome import check_whole, differences, outcome
from trainers import train
from trainers.results import lock
from zoo.datasets.tfds_images import ARRAYS

TENSORFLOW = keras.backend.backend() == "tensorflow"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(scope="module")
def undisturbed(main, tmp_path_factory):
    """The outcome of an undisturbed run."""
    workdir = tmp_path_factory.mktemp("undisturbed") / "work"
    assert main(workdir=str(workdir)) is None
    return outcome(workdir)


@pytest.fixture
def file_size_limit():
    """Limits the size of files of this process, to simulate a full disk; None restores the old limit."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (before if size is None else size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


def test_full_disk_keeps_the_earlier_checkpoint(main, undisturbed, tmp_path, monkeypatch, file_size_limit):
    class Fill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                file_size_limit(4096)

    monkeypatch.setattr(train, "make_callbacks", lambda directory, dataset: [Fill()])
    error = main(workdir=f"{tmp_path}/work")
    file_size_limit(None)
    assert error.startswith("error: The checkpoint epoch-00002 cannot be written") and "File too large" in error
    assert check_whole(tmp_path / "work") == ["epoch-00001"]
    monkeypatch.undo()
    assert main(workdir=f"{tmp_path}/work") is None
    assert differences(undisturbed, outcome(tmp_path / "work")) == []


@pytest.mark.parametrize("name", ["run.json", "epoch-00003-final", "result.json"])
def test_full_disk_at_any_file_is_an_error_and_no_loss(name, main, undisturbed, tmp_path, monkeypatch):
    rename = pathlib.Path.rename

    def full(path, target):
        if pathlib.Path(target).name == name:
            raise FULL
        return rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", full)
    assert "No space left on device" in main(workdir=f"{tmp_path}/work")
    monkeypatch.undo()
    assert main(workdir=f"{tmp_path}/work") is None
    assert differences(undisturbed, outcome(tmp_path / "work")) == []


def test_folder_that_became_read_only_is_named(main, tmp_path, monkeypatch):
    def read_only(*arguments):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(lock.os, "open", read_only)
    assert "work' cannot be written ([Errno 30] Read-only file system)" in main(workdir=f"{tmp_path}/work")


@pytest.mark.skipif(not TENSORFLOW, reason="does not depend on the backend")
def test_a_run_resumes_when_lost_data_are_back(main, tmp_path, monkeypatch):
    """A run needs the cache or the prepared set. Without both it stops, and resumes when one is back."""
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "vanished"))
    (tmp_path / "cache").mkdir()
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (200, 4, 4, 1), dtype="uint8"), rng.integers(0, 3, 200, dtype="int32")
    cached = tmp_path / "cache" / "vanished.npz"
    np.savez(cached, **dict(zip(ARRAYS, (images, labels, images, labels, 3), strict=True)))
    values = {"workdir": f"{tmp_path}/work", "override": ["network.hidden_units=[8]", "dataset=vanished"]}
    assert main(minutes=0.0, **values) is None
    cached.rename(tmp_path / "away.npz")
    assert "error: Cannot load the set 'vanished': no such set" in main(**values)
    assert check_whole(tmp_path / "work") == ["epoch-00001"]
    (tmp_path / "away.npz").rename(cached)
    assert main(**values) is None
    assert check_whole(tmp_path / "work") == ["epoch-00003-final"]


def test_clock_that_goes_backwards_changes_nothing(main, undisturbed, tmp_path, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 2e9 - 1000.0 * next(ticks))
    assert main(workdir=f"{tmp_path}/work", minutes=0.0) is None
    assert main(workdir=f"{tmp_path}/work") is None
    monkeypatch.undo()
    assert differences(undisturbed, outcome(tmp_path / "work")) == []
    assert next(ticks) > 0
