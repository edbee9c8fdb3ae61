"""The prepared run for a GPU, on tiny images, without TensorFlow: what it leaves, what it skips, and that all fits."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import zipfile

import keras
import numpy as np
import pytest

from benchmarks import products, smoke, step_table
from benchmarks.step_table import StepTable
from tests.support.parse_flags import separate_flags
from zoo import recipes
from zoo.datasets import numpy_files

with separate_flags():  # some have the names of other programs' flags
    from benchmarks import gpu_queue

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = "mnist_mlp-baseline"
# Not None among the modules, for Keras asks only whether TensorFlow stands there.
BLOCKER = """
import sys

class Blocker:
    def find_spec(name, path=None, target=None):
        if name in ("tensorflow", "tensorflow_datasets"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker)
"""
SIZES = {"smoke_seconds": 300, "timing_seconds": 0, "epochs": 1, "side_by_side": 1, "minutes": 9}


@pytest.fixture
def tiny_images(tmp_path, monkeypatch):
    """Few small images under the name of MNIST, as NumPy files."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 12, 12, 1), "uint8"), np.arange(40) % 10
    numpy_files.write(tmp_path / "data", "mnist", (images[:30], labels[:30], images[30:], labels[30:]), 3)
    monkeypatch.setenv("ZOO_ARRAYS_DIR", str(tmp_path / "data"))
    smoke.few_examples.cache_clear()


def start(folder, **values):
    """Runs the program in a folder where no process has TensorFlow."""
    (folder / "blocked").mkdir(exist_ok=True)
    (folder / "blocked" / "sitecustomize.py").write_text(BLOCKER)
    paths = os.pathsep.join([str(folder / "blocked"), str(ROOT)])
    arguments = [f"--{flag}={value}" for flag, value in {**SIZES, "data": "data", **values}.items()]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": paths, "JAX_COMPILATION_CACHE_DIR": "cache"}
    command = [sys.executable, "-m", "benchmarks.gpu_queue", *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="it runs on JAX")
def test_a_run_leaves_what_an_export_needs_and_is_skipped_then(tiny_images, tmp_path):
    first = start(tmp_path, recipes=RUN, smoke="")
    assert not first.returncode, first.stdout + first.stderr
    steps = json.loads((tmp_path / "gpu" / "smoke.json").read_text())
    assert list(steps) == [RUN] and steps[RUN]["loss"] > 0
    recipe = recipes.get(RUN).override({"epochs": 1})
    run = f"runs/{RUN}-{recipe.digest()}/seed-0"
    names = zipfile.ZipFile(tmp_path / "gpu" / f"{RUN}-seed-0.zip").namelist()
    expected = {f"{run}/result.json", f"{run}/run.json", f"{run}/member-0/epoch-00001-final/arrays.npz"}
    assert expected <= set(names) and all(name.startswith("runs/") for name in names)
    assert not any(name.endswith(".lock") for name in names)
    assert gpu_queue.PackedQueue(tmp_path / "results", tmp_path / "runs").missing([recipe], 1) == []


def test_what_stops_for_time_is_packed_without_figures(tmp_path):
    queue = gpu_queue.PackedQueue(str(tmp_path / "results"), str(tmp_path / "runs"), output=tmp_path / "gpu", epochs=3)
    recipe = recipes.get(RUN)
    assert "--epochs=3" in queue.command(recipe, 0, "--noexport")
    queue.command = lambda *_: [sys.executable, "-c", ""]
    queue.folder(recipe, 0).mkdir(parents=True)
    (queue.folder(recipe, 0) / "run.json").write_text("{}")
    assert queue.work_down([(recipe, 0)]) == []
    (name,) = zipfile.ZipFile(tmp_path / "gpu" / f"{RUN}-seed-0.zip").namelist()
    assert name == f"runs/{RUN}-{recipe.digest()}/seed-0/run.json"


def test_what_a_signal_stops_is_packed(tmp_path):
    queue = gpu_queue.PackedQueue(str(tmp_path / "results"), str(tmp_path / "runs"), output=tmp_path / "gpu")
    recipe, run = recipes.get(RUN), f"runs/{RUN}-{recipes.get(RUN).digest()}/seed-0"
    program = f"import pathlib, time; pathlib.Path({str(tmp_path / run)!r}, 'saved').touch(); time.sleep(60)"
    queue.command = lambda *_: [sys.executable, "-c", program]
    queue.folder(recipe, 0).mkdir(parents=True)

    def stop():
        begun = time.monotonic()
        while not (tmp_path / run / "saved").exists() and time.monotonic() < begun + 60:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(SystemExit):
        queue.work_down([(recipe, 0), (recipe, 1)])
    assert [path.name for path in (tmp_path / "gpu").iterdir()] == [f"{RUN}-seed-0.zip"]
    assert zipfile.ZipFile(tmp_path / "gpu" / f"{RUN}-seed-0.zip").namelist() == [f"{run}/saved"]


def test_figures_of_other_settings_end_it_before_the_first_step(tmp_path):
    (tmp_path / "results").mkdir()
    figures = {"errors": {"test": 1.0}, "seconds_per_epoch": 1.0, "epochs": 100}
    content = {"recipe": recipes.get(RUN).as_dict(), "seeds": {"0": figures}}
    (tmp_path / "results" / f"{RUN}.json").write_text(json.dumps(content))
    done = start(tmp_path, recipes=RUN)
    assert done.returncode and "epochs is 100 there and 1 here" in done.stderr
    assert not (tmp_path / "gpu").exists()


def test_a_step_that_fails_is_told_and_keeps_no_other_from_it(tiny_images, tmp_path):
    chosen = [recipes.get(RUN).override({"network.hidden_units": units}) for units in ([-1], [8])]
    chosen = [recipe.override({"name": name}) for recipe, name in zip(chosen, ("broken", "sound"), strict=True)]
    smoke.take_steps(chosen, tmp_path / "smoke.json")
    well, said = gpu_queue.sound(chosen, tmp_path / "smoke.json")
    assert well == chosen[1:] and said.endswith("broken")
    assert gpu_queue.sound(chosen, tmp_path / "none.json") == (chosen, "")


def test_semi_supervised_steps(tiny_images):
    assert smoke.take_step(recipes.get("mnist_ladder-100_gamma"))["loss"] > 0


def test_tables_are_written_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(products, "SIDE", 16)
    monkeypatch.setattr(step_table, "memory_rate", lambda on_cpu: 1e9)
    good = StepTable("synthetic_mlp", [], batch_size=4, rounds=1, turn_steps=2, pytorch=False)
    bad = StepTable("synthetic_mlp", ["vta"], precision="mixed_bfloat16")
    gpu_queue.time_steps([bad, good], tmp_path / "step_time.json", 60)
    tables = json.loads((tmp_path / "step_time.json").read_text())
    assert "Did you mean" in tables[bad.stem]["error"] and tables[good.stem]["methods"]["baseline"]["ms"] > 0
    gpu_queue.time_steps([good], tmp_path / "none.json", -1)
    assert not (tmp_path / "none.json").exists()
