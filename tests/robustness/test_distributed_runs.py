"""Runs on two processes, as a user starts them: stopped, resumed, and equal to a run on one process."""

import json
import os
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from tests.support.free_port import free_port
from trainers.cli import distribution_flags

BACKEND = keras.backend.backend()
# With validation, early stopping that restores weights, and statistics that are re-estimated at the end.
RECIPE = [
    "--recipe=synthetic_mlp-early_stopping",
    "--epochs=4",
    "--override=network.hidden_units=[8]",
    '--override=regularizers={"vat":{"epsilon":0.5}}',
    "--override=reestimate_statistics=true",
]


@pytest.fixture
def start():
    """Starts a run in a separate process; kills all of them at the end of the test."""
    processes = []
    quick = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1"}

    def run(workdir, *flags):
        command = [sys.executable, "-m", "trainers.train", *RECIPE, "--verbose=0", "--noexport", *flags]
        processes.append(
            subprocess.Popen(
                [*command, f"--workdir={workdir}"],
                env={**os.environ, "KERAS_BACKEND": BACKEND, **quick},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def start_both(start):
    """Starts a run on two processes."""

    def run(workdir):
        hosts = ["--distribute=hosts", f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2"]
        return [start(workdir, *hosts, f"--process_index={index}") for index in range(2)]

    return run


def finish(process, within=200):
    return process.communicate(timeout=within)[0]


def wait_for(folder, pattern, processes):
    while not list(folder.glob(pattern)):
        if any(process.poll() is not None for process in processes):
            pytest.fail("\n".join(map(finish, processes)))
        time.sleep(0.02)


def result(workdir):
    return json.loads((workdir / "result.json").read_text())


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX trains on several hosts")
def test_killed_process_ends_the_other_and_a_rerun_finishes_the_run(start, start_both, tmp_path):
    workdir = tmp_path / "both"
    first, second = start_both(workdir)
    wait_for(workdir, "member-0/epoch-00001", [first, second])
    second.kill()
    printed = finish(first, within=60)
    assert first.returncode == 1
    assert "error: Another process of this run ended" in printed, printed
    assert not list(workdir.glob("member-0/*-final"))
    alone, rerun = start(tmp_path / "alone"), start_both(workdir)
    printed = [finish(process) for process in (*rerun, alone)]
    assert all(process.returncode == 0 for process in (*rerun, alone)), printed
    assert "test error" in printed[0] and not printed[1].count("test error")
    ours, theirs = result(workdir), result(tmp_path / "alone")
    assert ours["device"].endswith("2 processes") and ours["epochs"] == theirs["epochs"]
    assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-3)
    # Curves depend on the weights of every epoch.
    for name in ("worst_shift", "worst_scale"):
        np.testing.assert_allclose(ours["curves"][name], theirs["curves"][name], rtol=5e-3)


def test_flags_are_passed_on_unchanged():
    flags.FLAGS.mark_as_parsed()
    assert not distribution_flags.is_distributed() and distribution_flags.arguments() == []
    with flagsaver.as_parsed(distribute="hosts", coordinator="10.0.0.1:1234", num_processes="2", process_index="0"):
        assert distribution_flags.is_distributed() and distribution_flags.on_hosts()
        expected = ["--distribute=hosts", "--coordinator=10.0.0.1:1234", "--num_processes=2", "--process_index=0"]
        assert distribution_flags.arguments() == expected


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX has several hosts")
def test_several_hosts_on_tensorflow_end_in_a_message(start, tmp_path):
    process = start(tmp_path / "run", "--distribute=hosts")
    assert "error: On TensorFlow training runs on one host" in finish(process) and process.returncode == 1
