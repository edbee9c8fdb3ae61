"""Milliseconds per training step of each method, beside the plain network, the device's limit and PyTorch.

    KERAS_BACKEND=jax python -m benchmarks.step_time --network=mnist_mlp

Steps run inside `fit`, on random inputs. Methods, and hand-written PyTorch loops of the same methods where PyTorch is
installed, take turns. Figures go to `benchmarks/measured/`, as JSON and as a chart.
"""

import functools
import importlib.util
import pathlib

import keras
from absl import app, flags

from benchmarks import subjects
from benchmarks.limit import limit, memory_rate, product_rate
from benchmarks.timing import draw_bars, interleave, write_json
from trainers.runs.run import accelerators, device, versions

NETWORK = flags.DEFINE_enum("network", "mnist_mlp", list(subjects.NETWORKS), "The network to train.")
METHODS = flags.DEFINE_list("methods", None, "Methods to time; by default all that the network has.")
BATCH = flags.DEFINE_integer("batch_size", 100, "Labeled inputs in a batch.", lower_bound=1)
ROUNDS = flags.DEFINE_integer("rounds", 9, "How often each method takes its turn.", lower_bound=1)
TURN = flags.DEFINE_float("turn_seconds", 0.5, "Length of a turn.", lower_bound=0.0)
JIT = flags.DEFINE_enum("jit_compile", "auto", ["auto", "true", "false"], "Whether XLA compiles the step.")
PYTORCH = flags.DEFINE_bool("pytorch", True, "Whether to time PyTorch too, where it is installed.")
OUTPUT = flags.DEFINE_string("output", "benchmarks/measured", "Folder for the figures; empty for none.")


def fit_steps(model, method, steps):
    model.fit(subjects.batches(NETWORK.value, method, BATCH.value, steps), verbose=0)


def make_trainers(methods, on_cpu):
    """`{(engine, method): number of steps -> None}`."""
    jit_compile = {"auto": "auto", "true": True, "false": False}[JIT.value]
    models = {method: subjects.build_model(NETWORK.value, method, jit_compile=jit_compile) for method in methods}
    trainers = {("zoo", name): functools.partial(fit_steps, model, name) for name, model in models.items()}
    if PYTORCH.value and importlib.util.find_spec("torch"):
        from benchmarks import pytorch_loops

        for method in (m for m in methods if pytorch_loops.loss_function(NETWORK.value, m)):
            trainers["pytorch", method] = pytorch_loops.trainer(NETWORK.value, method, BATCH.value, on_cpu)
    return trainers


def limits(methods, on_cpu):
    """Seconds that each method cannot go below, and the rates that they follow from."""
    network = subjects.build_network(NETWORK.value)
    convolutions = any(len(variable.shape) > 2 for variable in network.trainable_variables)
    rates = {"product": product_rate(convolutions, on_cpu), "memory": memory_rate(on_cpu)}
    work, num_parameters = subjects.forward_work(network, BATCH.value), network.count_params()
    multiples = {method: subjects.methods_of(NETWORK.value)[method][1] for method in methods}
    return {name: limit(work, multiples[name], num_parameters, rates) for name in methods}, rates


def tabulate(times, bounds):
    """One row per method: milliseconds, and ratios to the plain network, the limit and PyTorch."""
    rows = {}
    for method, bound in bounds.items():
        seconds, torch_seconds = times["zoo", method], times.get(("pytorch", method))
        rows[method] = {
            "ms": 1e3 * seconds,
            "ratio": seconds / times["zoo", "baseline"],
            "limit_ms": 1e3 * bound,
            "over_limit": seconds / bound,
            "pytorch_ms": torch_seconds and 1e3 * torch_seconds,
            "over_pytorch": torch_seconds and seconds / torch_seconds,
        }
    return rows


def print_rows(rows):
    print(f"{'method':<20}" + "".join(f"{column:>14}" for column in next(iter(rows.values()))))
    for name, row in rows.items():
        print(f"{name:<20}" + "".join(f"{'-' if value is None else f'{value:.2f}':>14}" for value in row.values()))


def main(_):
    keras.utils.set_random_seed(0)
    known = subjects.methods_of(NETWORK.value)
    methods = ["baseline", *(m for m in METHODS.value or known if m != "baseline")]
    for method in methods:
        if method not in known:
            raise app.UsageError(f"--methods takes some of {', '.join(known)}, received {method!r}.")
    name, on_cpu = device(), not accelerators()
    bounds, rates = limits(methods, on_cpu)
    rows = tabulate(interleave(make_trainers(methods, on_cpu), ROUNDS.value, TURN.value), bounds)
    print(f"{NETWORK.value}, batch {BATCH.value}, {keras.backend.backend()}, {name}, jit_compile={JIT.value}")
    print(f"{rates['product'] / 1e9:.0f} GFLOP/s, {rates['memory'] / 1e9:.1f} GB/s")
    print_rows(rows)
    if OUTPUT.value:
        stem = f"{NETWORK.value}-{keras.backend.backend()}-{'cpu' if on_cpu else 'gpu'}"
        content = {"network": NETWORK.value, "batch_size": BATCH.value, "device": name, "versions": versions()}
        write_json(pathlib.Path(OUTPUT.value) / f"{stem}.json", {**content, "rates": rates, "methods": rows})
        columns = {"ms": f"zoo on {keras.backend.backend()}", "pytorch_ms": "PyTorch by hand", "limit_ms": "limit"}
        bars = {method: {label: row[key] for key, label in columns.items()} for method, row in rows.items()}
        title = f"{NETWORK.value}, batch {BATCH.value}, {name}"
        draw_bars(pathlib.Path(OUTPUT.value) / f"{stem}.png", title, bars, list(columns.values()))


if __name__ == "__main__":
    app.run(main)
