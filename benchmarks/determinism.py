"""What `--deterministic` costs: seconds per step with it over seconds without.

    KERAS_BACKEND=jax python -m benchmarks.determinism --network=conv_small

Determinism holds for a whole process: two processes, one with it, take turns.
"""

import functools
import subprocess
import sys

import keras
from absl import app, flags

from benchmarks import subjects
from benchmarks.timing import interleave
from trainers.runs.devices import device
from zoo.backend.devices import enable_determinism

NETWORK = flags.DEFINE_enum("network", "mnist_mlp", list(subjects.NETWORKS), "The network to train.")
METHODS = flags.DEFINE_list("methods", ["baseline", "vat", "vmt_shift"], "Methods to train.")
BATCH = flags.DEFINE_integer("batch_size", 100, "Inputs in a batch.", lower_bound=1)
ROUNDS = flags.DEFINE_integer("rounds", 9, "How often each takes its turn.", lower_bound=1)
TURN = flags.DEFINE_float("turn_seconds", 0.5, "Length of a turn.", lower_bound=0.0)
WORKER = flags.DEFINE_enum("worker", None, ["plain", "deterministic"], "Trains as it is told on standard input.")


def work():
    """Trains so many steps of a method for each line `METHOD STEPS`, and answers with a line."""
    if WORKER.value == "deterministic":
        enable_determinism()
    keras.utils.set_random_seed(0)
    models = {method: subjects.build_model(NETWORK.value, method) for method in METHODS.value}
    for line in sys.stdin:
        method, steps = line.split()
        models[method].fit(subjects.batches(NETWORK.value, method, BATCH.value, int(steps)), verbose=0)
        print("done", flush=True)


def ask(process, method, steps):
    """Lets a worker train, and waits."""
    process.stdin.write(f"{method} {steps}\n")
    process.stdin.flush()
    if process.stdout.readline() != "done\n":
        raise RuntimeError(f"The worker ended with status {process.wait()}.")


def main(_):
    if WORKER.value:
        work()
        return
    command = [sys.executable, "-m", "benchmarks.determinism", *sys.argv[1:]]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    kinds = ("plain", "deterministic")
    workers = {kind: subprocess.Popen([*command, f"--worker={kind}"], **pipes) for kind in kinds}
    trainers = {(kind, m): functools.partial(ask, workers[kind], m) for m in METHODS.value for kind in kinds}
    times = interleave(trainers, ROUNDS.value, TURN.value)
    for process in workers.values():
        process.communicate()
    print(f"{NETWORK.value}, batch {BATCH.value}, {keras.backend.backend()}, {device()}")
    print(f"{'method':<16}" + "".join(f"{column:>16}" for column in (*kinds, "ratio")))
    for method in METHODS.value:
        plain, deterministic = (1e3 * times[kind, method] for kind in kinds)
        print(f"{method:<16}{plain:>16.3f}{deterministic:>16.3f}{deterministic / plain:>16.3f}")


if __name__ == "__main__":
    app.run(main)
