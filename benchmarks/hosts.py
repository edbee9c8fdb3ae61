"""What a training step takes on several processes, and what it sends between them.

    KERAS_BACKEND=jax python -m benchmarks.hosts --network=mnist_mlp --processes=1,2,4

Each count of processes trains every method on the same whole batches. The bytes are those of the collective
operations in the step that XLA compiled, by kind. On one machine the processes share its cores, so the step times show
what the exchange costs, not how training scales.
"""

import functools
import json
import os
import socket
import subprocess
import sys

import keras
from absl import app, flags

from benchmarks import subjects
from benchmarks.collectives import collectives, compiled_step
from benchmarks.timing import interleave
from zoo.backend.distribution import distribute, share_batches

NETWORK = flags.DEFINE_enum("network", "mnist_mlp", list(subjects.NETWORKS), "Network to train.")
METHODS = flags.DEFINE_list("methods", ["baseline", "vat", "vmt_shift"], "Methods, by name.")
PROCESSES = flags.DEFINE_list("processes", ["1", "2", "4"], "Counts of processes.")
BATCH = flags.DEFINE_integer("batch_size", 100, "Inputs in a whole batch.", lower_bound=1)
ROUNDS = flags.DEFINE_integer("rounds", 7, "How often each method takes its turn.", lower_bound=1)
TURN_STEPS = flags.DEFINE_integer("turn_steps", 20, "Steps in a turn.", lower_bound=1)
WORKER = flags.DEFINE_list("worker", None, "Set by the program itself: coordinator, processes, index.")


def fit_steps(model, method, steps):
    batches = subjects.batches(NETWORK.value, method, BATCH.value, steps)
    model.fit(share_batches(batches), verbose=0)


def measure():
    """Milliseconds per step and collectives of every method."""
    trainers, sent = {}, {}
    for method in METHODS.value:
        keras.utils.set_random_seed(0)
        model = subjects.build_model(NETWORK.value, method)
        trainers[method] = functools.partial(fit_steps, model, method)
        trainers[method](2)
        sent[method] = collectives(compiled_step(model, subjects.batches(NETWORK.value, method, BATCH.value, 2)))
    # As many steps in every process: how many fill a turn each would find for itself.
    times = interleave(trainers, ROUNDS.value, steps=TURN_STEPS.value)
    return {method: {"ms": 1e3 * times[method], "sent": sent[method]} for method in METHODS.value}


def spread(count):
    """Starts the processes and returns what the first one measured."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        coordinator = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "benchmarks.hosts", *sys.argv[1:]]
    processes = [
        subprocess.Popen(
            [*command, f"--worker={coordinator},{count},{index}"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for index in range(count)
    ]
    try:
        printed = [process.communicate()[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    if any(process.returncode for process in processes):
        sys.exit(f"error: with {count} processes one failed.")
    return json.loads(printed[0].splitlines()[-1])


def main(_):
    if WORKER.value:
        coordinator, count, index = WORKER.value
        with distribute("none" if count == "1" else "hosts", coordinator, int(count), int(index)):
            print(json.dumps(measure()))
        return
    print(f"{NETWORK.value}, batches of {BATCH.value}, {os.cpu_count()} cores")
    for count in map(int, PROCESSES.value):
        for method, measured in spread(count).items():
            sent = ", ".join(f"{n} {kind} {size / 1e6:.3f} MB" for kind, (n, size) in measured["sent"].items())
            print(f"{count} processes  {method:<14}{measured['ms']:>9.2f} ms  {sent or 'nothing sent'}", flush=True)


if __name__ == "__main__":
    app.run(main)
