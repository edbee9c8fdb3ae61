"""Runs that SIGKILL ends before they rename a temporary file: the same command ends with the same bits."""

import os
import signal
import subprocess
import sys

import keras

from benchmarks.outcome import check_whole, differences, outcome
from trainers.results.lock import LOCK_FILE

TENSORFLOW = keras.backend.backend() == "tensorflow"
# Like `python -m trainers.train`, but killed before a file or folder with the name of the first argument appears.
TRAIN = """
import os, pathlib, runpy, signal, sys
rename, fatal = pathlib.Path.rename, sys.argv.pop(1)
def rename_or_die(path, target):
    if pathlib.Path(target).name == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(path, target)
pathlib.Path.rename = rename_or_die
runpy.run_module("trainers.train", run_name="__main__", alter_sys=True)
"""
FLAGS = ["--epochs=3", "--override=network.hidden_units=[8]", "--override=network.dropout=0.2", "--verbose=0"]
# What the kill prevents, and the newest checkpoint then. Only TensorFlow writes the SavedModel.
FATAL = {"epoch-00002": "epoch-00001"}
if TENSORFLOW:
    FATAL["synthetic_mlp-vmt_shift"] = "epoch-00003-final"


def run(workdir, fatal=""):
    """Runs the command in a separate process; returns its exit status."""
    command = [sys.executable, "-c", TRAIN, fatal, *FLAGS, "--deterministic", f"--export={TENSORFLOW}"]
    return subprocess.run(
        [*command, f"--workdir={workdir}"], env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    ).returncode


def hidden(workdir):
    """The names of temporary files and folders."""
    return [path.name for path in workdir.rglob(".*") if path.name != LOCK_FILE]


def test_killed_run_ends_with_the_bits_of_an_undisturbed_one(tmp_path):
    assert run(tmp_path / "undisturbed") == 0
    work = tmp_path / "work"
    for fatal, newest in FATAL.items():
        assert run(work, fatal) == -signal.SIGKILL
        assert any(fatal in name for name in hidden(work)) and not list(work.rglob(fatal))
        assert check_whole(work) == [newest]
    assert run(work) == 0
    assert differences(outcome(tmp_path / "undisturbed"), outcome(work)) == []
    assert hidden(work) == []
