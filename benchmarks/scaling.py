"""Step time and peak memory of each method against what makes it larger.

    KERAS_BACKEND=jax python -m benchmarks.scaling --along=batch_size

Every point runs in a process of its own, so that its peak is its own. On the CPU the memory is the process's peak
above what it held before the model was built; on a GPU, what the device held at most.
"""

import concurrent.futures
import functools
import multiprocessing
import resource
import sys

import keras
from absl import app, flags

import zoo
from benchmarks import subjects
from benchmarks.timing import interleave
from trainers.runs.devices import accelerators, device
from zoo.regularizers import build

AXES = {
    "batch_size": [50, 100, 200, 400],
    "width": [300, 600, 1200, 2400],
    "lattice": [14, 28, 56],
    "num_power_iterations": [1, 2, 4],
    "num_cosines": [2, 4, 8],
}
METHOD_OF = {
    "num_power_iterations": lambda value: {"vat": {"epsilon": 2.0, "num_power_iterations": value}},
    "num_cosines": lambda value: {"vmt": {"field": {"name": "smooth", "num_cosines": value}}},
}

ALONG = flags.DEFINE_enum("along", "batch_size", list(AXES), "What grows.")
METHODS = flags.DEFINE_list("methods", ["baseline", "at_l2", "vat", "vmt_all", "smoothness"], "Methods to time.")
ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each point.", lower_bound=1)
TURN = flags.DEFINE_float("turn_seconds", 0.5, "Length of a turn.", lower_bound=0.0)


def peak_bytes():
    """The most memory that was in use so far."""
    if keras.backend.backend() == "jax" and accelerators():
        import jax

        return jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(along, value, spec, rounds, turn_seconds):
    """Milliseconds per step and megabytes of one point, on the MNIST network."""
    keras.utils.set_random_seed(0)
    side = value if along == "lattice" else 28
    width = value if along == "width" else 1200
    batch_size = value if along == "batch_size" else 100
    hidden = tuple(width // 2**depth for depth in range(4))
    x, y = subjects.images("mnist_mlp", 10 * batch_size)
    x = keras.ops.convert_to_numpy(keras.ops.image.resize(x, (side, side)))
    before = peak_bytes()
    model = zoo.RegularizedModel(zoo.networks.mlp((side, side, 1), 10, hidden_units=hidden), build(spec), seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def train(steps):
        model.fit(zoo.datasets.Batches(x, y, batch_size, steps_per_epoch=steps), verbose=0)

    seconds = interleave({"step": train}, rounds, turn_seconds)["step"]
    return 1e3 * seconds, (peak_bytes() - before) / 2**20


def points(along, methods):
    """`(label, value, regularizers)` of every point along an axis."""
    for value in AXES[along]:
        if along in METHOD_OF:
            yield along, value, METHOD_OF[along](value)
        else:
            yield from ((method, value, subjects.METHODS[method][0]) for method in methods)


def main(_):
    print(f"{keras.backend.backend()}, {device()}, MNIST network")
    print(f"{'method':<24}{ALONG.value:>22}{'ms/step':>10}{'MB':>8}")
    context = multiprocessing.get_context("spawn")
    task = functools.partial(measure, ALONG.value, rounds=ROUNDS.value, turn_seconds=TURN.value)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for label, value, spec in points(ALONG.value, METHODS.value):
            milliseconds, megabytes = pool.submit(task, value=value, spec=spec).result()
            print(f"{label:<24}{value:>22}{milliseconds:>10.2f}{megabytes:>8.0f}", flush=True)


if __name__ == "__main__":
    app.run(main)
