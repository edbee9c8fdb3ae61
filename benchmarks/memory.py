"""Resident memory: of each method over many steps, and of one process over many runs.

    KERAS_BACKEND=jax python -m benchmarks.memory
    python -m benchmarks.memory --methods= --rounds=6

Both should stay where they are: for a method from 2 000 steps on, for runs from the second round on. A round trains a
few recipes in folders of their own, and counts what each leaves there beside its own files.
"""

import gc
import os
import pathlib
import tempfile
import threading

import keras
from absl import app, flags

import zoo
from benchmarks import subjects
from trainers.results.lock import LOCK_FILE
from trainers.runs import run
from trainers.runs.devices import device
from zoo import recipes

LADDER = "ladder"
METHODS = flags.DEFINE_list("methods", [*subjects.METHODS, LADDER], "Methods to train for many steps; empty for none.")
STEPS = flags.DEFINE_integer("steps", 10_000, "Steps of a method.", lower_bound=2_500)
ROUNDS = flags.DEFINE_integer("rounds", 0, "Rounds of runs.", lower_bound=0)
RECIPES = flags.DEFINE_list(
    "recipes",
    ["synthetic_mlp-baseline", "synthetic_mlp-dropout", "synthetic_mlp-vmt_shift", "synthetic_mlp-early_stopping"],
    "Recipes of a round.",
)
EPOCH, FIRST, BATCH = 500, 2_000, 20


def resident():
    """Resident memory of this process in MiB."""
    gc.collect()
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Watch(keras.callbacks.Callback):
    """Notes the resident memory after every epoch."""

    def on_train_begin(self, logs=None):
        self.readings = []

    def on_epoch_end(self, epoch, logs=None):
        self.readings.append(resident())


def build(method):
    """A compiled model of a method on signals of 100 points, and its batches."""
    if method != LADDER:
        batches = subjects.batches("synthetic_mlp", method, BATCH, EPOCH)
        return subjects.build_model("synthetic_mlp", method), batches
    x, y = subjects.images("synthetic_mlp", 10 * BATCH)
    rungs = [{"name": "dense", "units": units} for units in (64, 32, 10)]
    model = zoo.LadderNetwork(zoo.ladder.ladder_encoder((100,), 10, rungs=rungs), denoising_weights=[1, 1, 1, 1])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    sizes = {"batch_size": BATCH, "unlabeled_batch_size": BATCH}
    return model, zoo.datasets.SemiSupervised(x, y, x, steps_per_epoch=EPOCH, **sizes)


def watch_methods():
    num_steps = STEPS.value // EPOCH * EPOCH
    print(f"{'method':<16}{f'MiB at {FIRST}':>16}{f'MiB at {num_steps}':>16}{'bytes a step':>16}")
    for method in METHODS.value:
        model, batches = build(method)
        watch = Watch()
        model.fit(batches, epochs=num_steps // EPOCH, callbacks=[watch], verbose=0)
        first, last = watch.readings[FIRST // EPOCH - 1], watch.readings[-1]
        growth = 2**20 * (last - first) / (num_steps - FIRST)
        print(f"{method:<16}{first:>16.1f}{last:>16.1f}{growth:>16.0f}", flush=True)


def strays(workdir):
    """The files that a finished run should not have left."""
    expected = {"run.json", "result.json", "state.json", "arrays.npz", LOCK_FILE}
    return [str(path) for path in workdir.rglob("*") if path.is_file() and path.name not in expected]


def watch_runs():
    print(f"{'round':<16}{'MiB':>16}{'open files':>16}{'threads':>16}{'stray files':>16}")
    for number in range(1, ROUNDS.value + 1):
        left = []
        for name in RECIPES.value:
            with tempfile.TemporaryDirectory() as folder:
                run.train(recipes.get(name).override({"epochs": 3}), 0, folder, verbose=0)
                left += strays(pathlib.Path(folder))
        files = len(os.listdir("/proc/self/fd"))
        print(f"{number:<16}{resident():>16.1f}{files:>16}{threading.active_count():>16}{len(left):>16}", flush=True)


def main(_):
    keras.utils.set_random_seed(0)
    print(keras.backend.backend(), device())
    if METHODS.value:
        watch_methods()
    if ROUNDS.value:
        watch_runs()


if __name__ == "__main__":
    app.run(main)
