"""Milliseconds per training step of each method, next to the plain network, the device's limit and PyTorch.

    KERAS_BACKEND=jax python -m benchmarks.step_time --network=mnist_mlp
    python -m benchmarks.step_time --network=conv_small --precision=mixed_bfloat16

Steps run inside `fit`, on random inputs. Methods, and hand-written PyTorch loops of the same methods where PyTorch is
installed, take turns. Figures go to `benchmarks/measured/`, as JSON and as a chart.
"""

import pathlib

import keras
from absl import app, flags

from benchmarks import subjects
from benchmarks.step_table import StepTable, print_table
from benchmarks.timing import draw_bars, write_json
from zoo.recipes.recipe import PRECISIONS

NETWORK = flags.DEFINE_enum("network", "mnist_mlp", list(subjects.NETWORKS), "The network to train.")
METHODS = flags.DEFINE_list("methods", None, "Methods to time; by default all that the network has.")
BATCH = flags.DEFINE_integer("batch_size", 100, "Labeled inputs in a batch.", lower_bound=1)
PRECISION = flags.DEFINE_enum("precision", "float32", PRECISIONS, "In which layers, limit and PyTorch compute.")
ROUNDS = flags.DEFINE_integer("rounds", 9, "How often each method takes its turn.", lower_bound=1)
TURN = flags.DEFINE_float("turn_seconds", 0.5, "Length of a turn.", lower_bound=0.0)
JIT = flags.DEFINE_enum("jit_compile", "auto", ["auto", "true", "false"], "Whether XLA compiles the step.")
PYTORCH = flags.DEFINE_bool(
    "pytorch", True, "Whether to time PyTorch too, where it is installed; on the CPU not in float16."
)
OUTPUT = flags.DEFINE_string("output", "benchmarks/measured", "Folder for the figures; empty for none.")


def chosen_table():
    """The table that the flags ask for."""
    jit_compile = {"auto": "auto", "true": True, "false": False}[JIT.value]
    turns = {"rounds": ROUNDS.value, "turn_seconds": TURN.value}
    options = {"precision": PRECISION.value, "jit_compile": jit_compile, "pytorch": PYTORCH.value}
    return StepTable(NETWORK.value, METHODS.value, BATCH.value, **turns, **options)


def draw(path, content):
    """Draws the milliseconds of zoo, PyTorch and limit."""
    columns = {"ms": f"zoo on {keras.backend.backend()}", "pytorch_ms": "PyTorch by hand", "limit_ms": "limit"}
    rows = content["methods"].items()
    bars = {method: {label: row[key] for key, label in columns.items()} for method, row in rows}
    title = ", ".join(str(content[key]) for key in ("network", "precision", "device"))
    draw_bars(path, f"{title}, batch {content['batch_size']}", bars, list(columns.values()))


def main(_):
    table = chosen_table()
    try:
        table.names()
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    content = table.measure()
    print(f"{keras.backend.backend()}, jit_compile={JIT.value}")
    print_table(content)
    if OUTPUT.value:
        folder = pathlib.Path(OUTPUT.value)
        write_json(folder / f"{table.stem}.json", content)
        draw(folder / f"{table.stem}.png", content)


if __name__ == "__main__":
    app.run(main)
