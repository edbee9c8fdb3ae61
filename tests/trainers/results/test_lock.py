"""Locks: one process at a time, and a killed process leaves none."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading

import keras
import pytest

from trainers.results import lock
from trainers.results.lock import locked

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="does not depend on the backend")

# Loads the module alone, because importing the package takes seconds. The child inherits the lock.
HOLDER = """
import importlib.util, subprocess, sys, time
spec = importlib.util.spec_from_file_location("lock", sys.argv[1])
lock = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lock)
with lock.locked(sys.argv[2]) as descriptor:
    child = subprocess.Popen([sys.executable, "-c", "input()"], pass_fds=(descriptor,), stdin=subprocess.PIPE)
    print(child.pid, flush=True)
    time.sleep(100)
"""


def test_second_holder_is_refused_and_the_error_names_the_first(tmp_path):
    with locked(tmp_path / "run"):
        with pytest.raises(OSError, match=f"in use by process {os.getpid()} on "), locked(tmp_path / "run"):
            pass
        with locked(tmp_path / "other"):
            pass
    with locked(tmp_path / "run"):
        pass


def test_lock_ends_with_the_last_process_that_has_it(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, lock.__file__, str(tmp_path)], stdout=subprocess.PIPE)
    child = int(holder.stdout.readline())
    for number in (holder.pid, child):
        with pytest.raises(OSError, match=f"in use by process {holder.pid}"), locked(tmp_path):
            pass
        os.kill(number, signal.SIGKILL)
        holder.wait()
    with locked(tmp_path, wait=True):
        pass


def test_waiting_for_the_lock(tmp_path):
    order = []

    def second():
        with locked(tmp_path, wait=True):
            order.append("second")

    with locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/run.*cannot be written"), locked(tmp_path / "file" / "run"):
        pass


@pytest.mark.parametrize("number, works", [(errno.ENOLCK, True), (errno.EIO, False)])
def test_a_file_system_without_locks(number, works, tmp_path, monkeypatch):
    def flock(descriptor, flags):
        raise OSError(number, "flock failed")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with contextlib.nullcontext() if works else pytest.raises(OSError, match="flock failed"), locked(tmp_path):
        assert works and f"process {os.getpid()} on " in (tmp_path / lock.LOCK_FILE).read_text()
