"""Milliseconds per training step of each method on the MNIST network, beside the plain network.

    KERAS_BACKEND=jax python -m benchmarks.step_time

Steps run inside `fit`, on random images. Methods take turns, so that a machine's drift falls on all of them; the
figure is the median over the rounds.
"""

import time

import keras
import numpy as np
from absl import app, flags

import zoo
from zoo.regularizers import build

METHODS = {
    "baseline": {},
    "at_l2": {"at": {"epsilon": 2.0}},
    "vat": {"vat": {"epsilon": 2.0}},
    "vmt_shift": {"vmt": {"field": "shift"}},
    "vmt_all": {"vmt": {"field": "all"}},
    "vmt_smooth": {"vmt": {"field": "smooth"}},
    "smoothness": {"smoothness": {"epsilon": 0.1}},
    "jacobian_1": {"jacobian": {"num_projections": 1}},
}

ROUNDS = flags.DEFINE_integer("rounds", 7, "How often each method takes its turn.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 50, "Training steps in a turn.", lower_bound=1)
JIT = flags.DEFINE_enum("jit_compile", "auto", ["auto", "true", "false"], "Whether XLA compiles the step.")


def make_trainer(methods, x, y):
    """A function that trains for one turn."""
    network = zoo.networks.mlp((28, 28, 1), 10, hidden_units=(1200, 600, 300, 150))
    model = zoo.RegularizedModel(network, build(methods), seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    jit_compile = {"auto": "auto", "true": True, "false": False}[JIT.value]
    model.compile("adam", loss, jit_compile=jit_compile)
    batches = zoo.datasets.Batches(x, y, batch_size=100)
    return lambda: model.fit(batches, verbose=0)


def main(_):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.random((100 * STEPS.value, 28, 28, 1), dtype="float32")
    y = rng.integers(0, 10, len(x)).astype("int32")
    trainers = {name: make_trainer(methods, x, y) for name, methods in METHODS.items()}
    for train in trainers.values():
        train()
    times = {name: [] for name in trainers}
    for _ in range(ROUNDS.value):
        for name, train in trainers.items():
            start = time.perf_counter()
            train()
            times[name].append(time.perf_counter() - start)
    milliseconds = {name: 1e3 * float(np.median(turns)) / STEPS.value for name, turns in times.items()}
    print(f"{'method':<12} {'ms/step':>8} {'ratio':>6}   ({keras.backend.backend()}, jit_compile={JIT.value})")
    for name, value in milliseconds.items():
        print(f"{name:<12} {value:8.2f} {value / milliseconds['baseline']:6.2f}")


if __name__ == "__main__":
    app.run(main)
