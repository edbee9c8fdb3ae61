"""Runs on two processes, as a user starts them: stopped, started again, and finished as a run on one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from zoo.training.checkpoint import WEIGHTS_FILE

BACKEND = keras.backend.backend()
EPOCHS = 12
# With validation, early stopping's restored weights and statistics measured again at the end.
RECIPE = [
    "--recipe=synthetic_mlp-early_stopping",
    f"--epochs={EPOCHS}",
    "--override=network.hidden_units=[8]",
    '--override=regularizers={"vat":{"epsilon":0.5}}',
    "--override=reestimate_statistics=true",
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(workdir, *flags):
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    flags = [*RECIPE, "--verbose=0", "--noexport", f"--workdir={workdir}", *flags]
    command = [sys.executable, "-m", "trainers.train", *flags]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def start_both(workdir):
    together = ["--distribute=hosts", f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2"]
    return [start(workdir, *together, f"--process_index={index}") for index in range(2)]


def finish(process, within=200):
    try:
        printed, _ = process.communicate(timeout=within)
    finally:
        process.kill()
    return printed


def wait_for(folder, pattern, process):
    while not list(folder.glob(pattern)):
        assert process.poll() is None, finish(process)
        time.sleep(0.02)


def weights(workdir):
    import h5py

    found = {}
    with h5py.File(next(workdir.glob("member-0/epoch-*-final")) / WEIGHTS_FILE) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


@pytest.mark.skipif(BACKEND != "jax", reason="several hosts are JAX's")
@pytest.mark.parametrize("victim", [0, 1])
def test_killed_process_ends_the_other_and_the_rerun_the_run(victim, tmp_path):
    alone, workdir = start(tmp_path / "alone"), tmp_path / "both"
    both = start_both(workdir)
    wait_for(workdir, "member-0/epoch-00002", both[0])
    both[victim].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    printed = finish(both[1 - victim], within=60)
    assert both[1 - victim].returncode != 0 and time.monotonic() - killed < 60
    assert "nother process" in printed or "another task died" in printed, printed
    assert not list(workdir.glob("member-0/*-final"))
    rerun = start_both(workdir)
    printed = [finish(process) for process in (*rerun, alone)]
    assert all(process.returncode == 0 for process in (*rerun, alone)), printed
    assert "test error" in printed[0] and not printed[1].count("test error")
    expected, received = weights(tmp_path / "alone"), weights(workdir)
    assert expected.keys() == received.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(received[name], value, rtol=1e-3, atol=1e-4, err_msg=name)
    ours, theirs = (json.loads((tmp_path / run / "result.json").read_text()) for run in ("both", "alone"))
    assert ours["errors"] == pytest.approx(theirs["errors"], abs=0.1) and ours["device"].endswith("2 processes")
    assert ours["curves"]["worst_shift"] == pytest.approx(theirs["curves"]["worst_shift"], rel=1e-2)
