"""SIGTERM: the run saves itself within its epoch and exits; the same command resumes it to the same end."""

import os
import signal
import sys
import threading

import keras
import numpy as np
import pytest

from benchmarks.outcome import arrays, differences, outcome
from trainers import train
from trainers.runs import run
from trainers.runs.queue import Queue
from trainers.runs.termination import EXIT_STATUS, Termination
from trainers.runs.workdir import RESULT_FILE
from zoo import recipes

TENSORFLOW = keras.backend.backend() == "tensorflow"
LADDER = {
    "recipe": "mnist_ladder-100_adversarial",
    "override": [
        "dataset=synthetic",
        "preprocessing=[]",
        "batch_size=20",
        "unlabeled_batch_size=20",
        'network.rungs=[{"name": "dense", "units": 8}, {"name": "dense", "units": 2}]',
        "ladder.denoising_weights=[1, 1, 1]",
    ],
}
RUNS = {
    "dropout": {"override": ["network.hidden_units=[8]", "network.dropout=0.2"]},
    "half_precision": {"override": ["network.hidden_units=[8]", "precision=mixed_float16"]},
    "lazy": {"recipe": "synthetic_mlp-vmt_shift_lazy"},
    "early_stopping": {
        "recipe": "synthetic_mlp-early_stopping",
        "epochs": 6,
        "override": ["network.hidden_units=[8]", "early_stopping_patience=1", "learning_rate=0.3"],
    },
    "ladder": LADDER,
}


class Signal(keras.callbacks.Callback):
    """Sends SIGTERM to this process after a step of an epoch, both counted from 1."""

    needs_every_step = False

    def __init__(self, epoch, step):
        super().__init__()
        self.moment = epoch - 1, step

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch + 1) == self.moment:
            signal.raise_signal(signal.SIGTERM)


@pytest.fixture
def terminate(main, monkeypatch):
    """Trains until a signal arrives at a step; returns the exit status."""

    def call(epoch, step, **values):
        with monkeypatch.context() as patch:
            patch.setattr(train, "make_callbacks", lambda directory, dataset: [Signal(epoch, step)])
            return main(**values)

    return call


@pytest.mark.parametrize("name", RUNS)
def test_terminated_run_ends_like_an_undisturbed_one(name, main, terminate, tmp_path, capsys):
    values = RUNS[name]
    assert main(workdir=f"{tmp_path}/undisturbed", **values) is None
    work = tmp_path / "work"
    # Runs with lazy penalties take single steps, others ten at a time.
    moments = [(1, 7), (2, 3), (2, 5)] if name == "lazy" else [(1, 10), (2, 20), (2, 30)]
    for epoch, step in moments:
        assert terminate(epoch, step, workdir=str(work), **values) == str(EXIT_STATUS)
        assert f"Stopped by SIGTERM in epoch {epoch}" in capsys.readouterr().out
        folders = [path.name for path in (work / "member-0").iterdir() if path.name != "tensorboard"]
        assert folders == [f"epoch-{epoch - 1:05d}-step-{step:07d}"]
    assert main(workdir=str(work), **values) is None
    assert differences(outcome(tmp_path / "undisturbed"), outcome(work)) == []


def test_run_that_stopped_within_ten_steps_resumes_with_single_steps(main, terminate, monkeypatch, tmp_path):
    assert main(workdir=f"{tmp_path}/undisturbed") is None
    with monkeypatch.context() as patch:
        patch.setattr(Signal, "needs_every_step", True)
        assert terminate(1, 7, workdir=f"{tmp_path}/work") == str(EXIT_STATUS)
    assert (tmp_path / "work" / "member-0" / "epoch-00000-step-0000007").is_dir()
    assert main(workdir=f"{tmp_path}/work") is None
    undisturbed, resumed = (
        arrays(next((tmp_path / name / "member-0").glob("epoch-*-final"))) for name in ("undisturbed", "work")
    )
    assert undisturbed.keys() == resumed.keys()
    for name, array in undisturbed.items():
        np.testing.assert_allclose(resumed[name], array, rtol=1e-3, atol=1e-5)


def test_signal_in_the_last_step_stops_after_the_epoch(main, terminate, tmp_path, capsys):
    assert terminate(2, 50, workdir=f"{tmp_path}/work") == str(EXIT_STATUS)
    assert "Stopped by SIGTERM after 2 epochs" in capsys.readouterr().out
    assert (tmp_path / "work" / "member-0" / "epoch-00002").is_dir()


def test_signal_before_the_resumed_step_keeps_the_checkpoint(terminate, tmp_path):
    """The run skips the steps before the checkpoint, because its weights are those of later steps."""
    assert terminate(2, 30, workdir=f"{tmp_path}/work") == str(EXIT_STATUS)
    folder = tmp_path / "work" / "member-0" / "epoch-00001-step-0000030"
    before = arrays(folder)
    assert terminate(2, 10, workdir=f"{tmp_path}/work") == str(EXIT_STATUS)
    assert differences(before, arrays(folder)) == []


def test_signals_are_noted_within_the_block_and_end_the_process_after_it():
    previous = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end, Termination() as termination:
        assert not termination.requested
        signal.raise_signal(signal.SIGTERM)
        assert termination.requested
    assert end.value.code == EXIT_STATUS == 143
    assert signal.getsignal(signal.SIGTERM) is previous


SAVES = """
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True)
def save(*_):
    time.sleep(0.3)
    (folder / "saved").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
(folder / "runs").touch()
time.sleep(100)
"""


class Slow(Queue):
    """A queue whose runs last until SIGTERM, and take some time to obey it."""

    def command(self, recipe, seed, *flags):
        return [sys.executable, "-c", SAVES, str(self.folder(recipe, seed))]

    def _start(self, recipe, seed, place):
        process = super()._start(recipe, seed, place)
        self.processes = [*getattr(self, "processes", []), process]
        return process


@pytest.mark.skipif(not TENSORFLOW, reason="does not depend on the backend")
def test_queue_passes_the_signal_on_and_waits(tmp_path):
    recipe = recipes.get("synthetic_mlp-vat")
    queue = Slow(str(tmp_path / "results"), str(tmp_path / "runs"), side_by_side=2)
    folders = [queue.folder(recipe, seed) for seed in range(3)]

    def signal_when_both_run():
        while not all((folder / "runs").exists() for folder in folders[:2]):
            if finished.wait(0.05):
                return
        with pytest.raises(OSError, match="in use by process"):
            Queue(str(tmp_path / "results"), str(tmp_path / "runs")).work_down([(recipe, 0)])
        refused.append(True)
        os.kill(os.getpid(), signal.SIGTERM)

    finished, refused = threading.Event(), []
    thread = threading.Thread(target=signal_when_both_run)
    thread.start()
    try:
        with pytest.raises(SystemExit) as end:
            queue.work_down([(recipe, seed) for seed in range(3)])
    finally:
        finished.set()
        thread.join()
    assert end.value.code == EXIT_STATUS and refused
    assert [process.returncode for process in queue.processes] == [EXIT_STATUS] * 2
    assert all((folder / "saved").exists() for folder in folders[:2]) and not folders[2].exists()


@pytest.mark.skipif(not TENSORFLOW, reason="does not depend on the backend")
def test_workdir_in_use_is_refused(main, tmp_path):
    with run.opened(tmp_path / "work", recipes.get("synthetic_mlp-vat"), 0):
        assert f"in use by process {os.getpid()}" in main(workdir=f"{tmp_path}/work")
    assert not (tmp_path / "work" / RESULT_FILE).exists()
