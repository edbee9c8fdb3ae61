"""Kills training runs at random moments and compares what they come to, bit by bit, with an undisturbed run.

    KERAS_BACKEND=jax python -m benchmarks.kill_runs --kills=20
    python -m benchmarks.kill_runs --recipe=synthetic_mlp-early_stopping --epochs=20 --signal=SIGTERM

After every kill all that is there under its own name has to be whole, and the newest checkpoint no older than before.
A run that comes to its end between two kills is compared, too, and a new one begun. Training has to be deterministic,
as it is on a CPU; on a GPU add `--flag=--deterministic`.
"""

import collections
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from absl import app, flags

from benchmarks.outcome import check_whole, differences, outcome
from trainers.results.lock import LOCK_FILE

RECIPE = flags.DEFINE_string("recipe", "synthetic_mlp-vmt_shift", "Recipe to train.")
EPOCHS = flags.DEFINE_integer("epochs", 20, "Epochs of a run.", lower_bound=1)
FLAGS_OF_RUN = flags.DEFINE_multi_string("flag", [], "Further flag of trainers.train; may be repeated.")
KILLS = flags.DEFINE_integer("kills", 20, "How many kills.", lower_bound=1)
SIGNAL = flags.DEFINE_enum("signal", "SIGKILL", ["SIGKILL", "SIGTERM"], "How to end a run.")
SEED = flags.DEFINE_integer("seed", 0, "Seed of the moments.")


def start(workdir):
    """Starts a run and returns its process once it works in its folder."""
    command = [sys.executable, "-m", "trainers.train", f"--recipe={RECIPE.value}", f"--epochs={EPOCHS.value}"]
    command += ["--verbose=0", f"--workdir={workdir}", *FLAGS_OF_RUN.value]
    with open(workdir.with_suffix(".log"), "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    lock = workdir / LOCK_FILE
    while process.poll() is None and not (lock.exists() and f"process {process.pid} " in lock.read_text()):
        time.sleep(0.01)
    return process


def check_end(process, workdir):
    """Refuses a run that ended otherwise than well or by the signal.

    Raises:
        RuntimeError: with what it printed.
    """
    number = signal.Signals[SIGNAL.value]
    if process.returncode not in (0, -number, 128 + number):
        raise RuntimeError(f"The run ended with {process.returncode}:\n{workdir.with_suffix('.log').read_text()}")


def end(process, moment, workdir):
    """Whether the signal, so many seconds after the start, came before the run's own end."""
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.Signals[SIGNAL.value])
        process.wait()
    check_end(process, workdir)
    return process.returncode != 0


def phase(workdir):
    """Where a killed run was, by what it left."""
    names = [path.name for path in workdir.rglob(".*")]
    if any(RECIPE.value in name for name in names):
        return "in an export"
    if any(name.startswith(".epoch-") for name in names):
        return "in a checkpoint"
    return "behind the training" if any(workdir.glob("member-*/*-final")) else "in the training"


def compare(workdir, expected):
    """Compares a finished run and removes it.

    Raises:
        RuntimeError: it differs, with the names of what does, or left temporary files.
    """
    differs = differences(outcome(workdir), expected)
    strays = [str(path) for path in workdir.rglob(".*") if path.name != LOCK_FILE]
    if differs or strays:
        raise RuntimeError(f"Differs: {differs}; left behind: {strays}.")
    shutil.rmtree(workdir)


def main(_):
    moments, phases, compared = random.Random(SEED.value), collections.Counter(), 0
    folder = pathlib.Path(tempfile.mkdtemp())
    process, began = start(folder / "undisturbed"), time.monotonic()
    process.wait()
    check_end(process, folder / "undisturbed")
    seconds, expected = time.monotonic() - began, outcome(folder / "undisturbed")
    print(f"{RECIPE.value}, {os.environ.get('KERAS_BACKEND')}: {seconds:.1f} s undisturbed", flush=True)
    workdir, newest = folder / "killed", []
    while phases.total() < KILLS.value:
        if end(start(workdir), moments.uniform(0, seconds), workdir):
            phases[phase(workdir)] += 1
            before, newest = newest, check_whole(workdir)
            if newest < before:
                raise RuntimeError(f"The checkpoints went from {before} back to {newest}.")
        else:
            compare(workdir, expected)
            compared, newest = compared + 1, []
    end(start(workdir), None, workdir)
    compare(workdir, expected)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(phases.items()))
    print(f"{phases.total()} times {SIGNAL.value} ({counts}); {compared + 1} finished runs equal the undisturbed one")
    shutil.rmtree(folder)


if __name__ == "__main__":
    app.run(main)
