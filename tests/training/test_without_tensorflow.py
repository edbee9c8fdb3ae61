"""Training on JAX works without TensorFlow."""

import os
import pathlib
import subprocess
import sys
import textwrap

import keras
import pytest

# Once is enough: the program does not depend on the backend of the process that starts it.
pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="runs with the tests on JAX")

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Python's own way to hide a module.
BLOCKER = "import sys\nsys.modules['tensorflow'] = None\n"

TRAINING = """
import keras
import numpy as np

import zoo

examples = {
    "at": {"epsilon": 0.5}, "vat": {"epsilon": 0.5}, "trades": {"epsilon": 0.5}, "entropy": {},
    "mart": {"epsilon": 0.5, "num_steps": 2}, "awp": {"regularizer": {"trades": {"epsilon": 0.5, "num_steps": 2}}},
    "vmt": {"field": "all"}, "tangent": {"field": "all"}, "smoothness": {"epsilon": 0.1}, "jacobian": {},
    "weight_noise": {"noise_std": 0.1},
    "parameter_tying": {"first": "hidden_1", "second": "hidden_2"},
    "norm_constraint": {"bound": 1.0},
}
assert set(examples) == set(zoo.regularizers.REGULARIZERS)
x, y = np.random.default_rng(0).normal(size=(16, 4, 4, 1)).astype("float32"), np.arange(16) % 3
model = zoo.RegularizedModel(zoo.networks.mlp((4, 4, 1), 3, hidden_units=(16, 16)), zoo.regularizers.build(examples))
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
history = model.fit(zoo.datasets.Batches(x, y, 8), epochs=2, validation_data=(x, y), verbose=0).history
assert np.isfinite(list(history.values())).all() and len(history) == 2 + 2 + len(examples)
model.predict(x, verbose=0)
try:
    zoo.export(model, "nowhere")
except ValueError as error:
    assert "tensorflow" in str(error), error
else:
    raise AssertionError("exported without TensorFlow")
"""


def run(program, folder, *arguments):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    code = BLOCKER + textwrap.dedent(program) + "\nassert sys.modules['tensorflow'] is None\n"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


def test_blocker_blocks(tmp_path):
    assert "ModuleNotFoundError" in run("import tensorflow", tmp_path).stderr


def test_import_and_training(tmp_path):
    result = run(TRAINING, tmp_path)
    assert not result.returncode, result.stderr


def test_command_line_trains_and_says_what_it_leaves_out(tmp_path):
    program = """
    import runpy
    try:
        runpy.run_module("trainers.train", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        assert not stop.code, stop.code
    """
    arguments = ["--recipe=synthetic_mlp-vat", "--epochs=2", "--export", f"--workdir={tmp_path / 'run'}", "--verbose=0"]
    result = run(program, tmp_path, *arguments)
    assert not result.returncode, result.stderr
    assert result.stdout.strip().splitlines()[-1].startswith("No SavedModel written: TensorFlow is not installed.")
    assert "test error" in result.stdout and (tmp_path / "run" / "result.json").exists()
    assert not list((tmp_path / "run").glob("**/saved_model.pb"))
