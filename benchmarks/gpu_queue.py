"""One prepared run for a quarter of an hour on a GPU: quick checks first, then the long trainings.

    KERAS_BACKEND=jax python -m benchmarks.gpu_queue --output=gpu --data=cifar10
    KERAS_BACKEND=jax python -m benchmarks.gpu_queue --write_data=cifar10  # on a machine with TensorFlow Datasets

The program takes one compiled step of every method (`smoke.json`). It times steps in bfloat16 and in float32, next to
the limit and PyTorch (`step_time.json`). Then it trains several recipes at the same time, one seed each. When a run
ends or its time is up, the program packs its checkpoint, curves and figures into `RECIPE-seed-N.zip` in the output
folder. It does not need TensorFlow. NVIDIA's multi-process service (`nvidia-cuda-mps-control -d`), started before, lets
kernels of several trainings run at the same time.

To export a finished run, unpack its file in the root of the repository on a machine with TensorFlow, and run

    python -m trainers.reproduce --recipes=cifar10_conv_small-vat --export=best

To resume a run that stopped, set KERAS_BACKEND=jax and run the same command.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from absl import app, flags

from benchmarks import smoke
from benchmarks.packed_queue import PackedQueue
from benchmarks.step_table import StepTable, print_table
from benchmarks.timing import write_json
from trainers.cli.program import is_finite, main_of
from trainers.results.store import check_place
from trainers.runs.queue import select
from zoo.datasets import numpy_files, tfds_images

METHODS = ["baseline", "vmt_all", "vat", "at_l2"]
TIMED = [(n, precision) for n in ("conv_small", "mnist_mlp") for precision in ("mixed_bfloat16", "float32")]
PARTS = 3

MINUTES = flags.DEFINE_float("minutes", 9.0, "Time budget; running trainings stop after a checkpoint.", lower_bound=0.0)
flags.register_validator("minutes", is_finite, "The time must be finite.")
SMOKE_SECONDS = flags.DEFINE_float("smoke_seconds", 90.0, "Time for single steps at most; 0: none.", lower_bound=0.0)
TIMING_SECONDS = flags.DEFINE_float("timing_seconds", 90.0, "Time for step times at most; 0: none.", lower_bound=0.0)
OUTPUT = flags.DEFINE_string("output", "gpu", "Folder to write into.")
RESULTS = flags.DEFINE_string("results", "results", "Folder of figures; runs that it has are skipped.")
WORKDIR = flags.DEFINE_string("workdir", "runs", "Folder of checkpoints and logs, one folder below for each run.")
RECIPE_NAMES = flags.DEFINE_list(
    "recipes", [f"cifar10_conv_small-{method}" for method in METHODS], "Recipes to train, or patterns of their names."
)
STEPPED = flags.DEFINE_list("smoke", ["cifar10_conv_ladder-4000_gamma"], "Further recipes of which to take one step.")
EPOCHS = flags.DEFINE_integer("epochs", None, "Number of epochs instead of the recipes' own.", lower_bound=1)
SIDE_BY_SIDE = flags.DEFINE_integer("side_by_side", 4, "Runs at the same time.", lower_bound=1)
DATA = flags.DEFINE_string("data", None, "Folder of CIFAR-10 as NumPy files, which --write_data makes.")
WRITE_DATA = flags.DEFINE_string("write_data", None, "Write CIFAR-10 as three NumPy files into this folder, and stop.")
PART = flags.DEFINE_enum("part", None, ["smoke", "timing"], "Set by the program itself.")


def time_steps(tables, path, seconds):
    """Times steps, table by table as far as the time reaches; the file has those that are done.

    Args:
        tables: list of `StepTable`.
        path: of the JSON file, `{file name of the table: its figures}`.
        seconds: after which no further table begins.
    """
    deadline, done = time.monotonic() + seconds, {}
    for table in tables:
        if time.monotonic() > deadline:
            print(f"{table.stem}: no time left to time its steps.", flush=True)
            continue
        try:
            done[table.stem] = table.measure()
            print_table(done[table.stem])
        except Exception as error:  # whatever it is, the others are still to be timed
            done[table.stem] = {"error": f"{type(error).__name__}: {error}"[:2000]}
            print(f"{table.stem}: {done[table.stem]}", flush=True)
        write_json(path, done)


def run_part(part, seconds):
    """Runs a part in a process of its own, which leaves the GPU's memory free, and ends it when its time is over."""
    command = [sys.executable, "-m", "benchmarks.gpu_queue", *sys.argv[1:], f"--part={part}"]
    try:
        status = subprocess.run(command, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        status = f"no end within {seconds:.0f} s"
    return f"{part} failed: {status}" if status else ""


def do_part():
    """What a process of `run_part` does."""
    output = pathlib.Path(OUTPUT.value)
    if PART.value == "smoke":
        smoke.take_steps(select([], [*RECIPE_NAMES.value, *STEPPED.value]), output / "smoke.json")
    else:
        tables = [StepTable(name, METHODS, precision=p, rounds=3, turn_steps=100) for name, p in TIMED]
        time_steps(tables, output / "step_time.json", 0.7 * TIMING_SECONDS.value)


def sound(chosen, path):
    """The recipes whose single step did not fail, and what to say of the others.

    Args:
        chosen: list of `Recipe`.
        path: of what `smoke.take_steps` wrote; no such file fails none.
    """
    steps = json.loads(path.read_text()) if path.exists() else {}
    broken = [recipe.name for recipe in chosen if "error" in steps.get(recipe.name, {})]
    said = f"failed in their first step: {', '.join(broken)}" if broken else ""
    return [recipe for recipe in chosen if recipe.name not in broken], said


def work(chosen):
    """All three parts in their order; returns a message that names what failed, if something did."""
    deadline, output = time.monotonic() + 60 * MINUTES.value, pathlib.Path(OUTPUT.value)
    folders = {"results": RESULTS.value, "workdir": WORKDIR.value, "output": output}
    queue = PackedQueue(**folders, side_by_side=SIDE_BY_SIDE.value, deadline=deadline, epochs=EPOCHS.value)
    jobs = queue.missing(chosen, 1)
    for recipe in chosen:
        check_place(pathlib.Path(RESULTS.value) / f"{recipe.name}.json", recipe)
    for name in ("smoke.json", "step_time.json"):
        (output / name).unlink(missing_ok=True)
    parts = {"smoke": SMOKE_SECONDS.value, "timing": TIMING_SECONDS.value}
    failures = [run_part(part, seconds) for part, seconds in parts.items() if seconds]
    well, said = sound(chosen, output / "smoke.json")
    failed = queue.work_down([job for job in jobs if job[0] in well])
    failures += [said, *(f"failed: {recipe.name} seed {seed}" for recipe, seed in failed)]
    return "\n".join(filter(None, failures))


def run():
    if WRITE_DATA.value:
        *arrays, _ = tfds_images.load_images("cifar10")
        for path in numpy_files.write(WRITE_DATA.value, "cifar10", arrays, PARTS):
            print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")
        return None
    if DATA.value:
        os.environ["ZOO_ARRAYS_DIR"] = DATA.value
    # Steps that one process compiled the next one need not compile again.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{tempfile.gettempdir()}/regularized-zoo-jax")
    if PART.value:
        return do_part()
    chosen = select([], RECIPE_NAMES.value)
    return work([recipe.override({"epochs": EPOCHS.value}) for recipe in chosen] if EPOCHS.value else chosen)


main = main_of(run)

if __name__ == "__main__":
    app.run(main)
