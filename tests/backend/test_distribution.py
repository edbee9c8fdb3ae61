"""Several devices and several processes train to the same weights as one device."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from tests.support.free_port import free_port
from zoo.backend.distribution import distribute, share_batches
from zoo.datasets import Batches

BACKEND = keras.backend.backend()
ON_JAX = BACKEND == "jax"
SPREAD = ["devices", "process_0", "process_1"] if ON_JAX else ["devices"]
MODELS = ["regularized", "movement", "moved_layers", "ladder"] + ([] if ON_JAX else ["silent_ladder"])
TOLERANCE = 1e-5
ALL = slice(None)


def start(folder, names, *arguments):
    """Starts the program, which writes `folder/NAME.npz`."""
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={len(names)}", "JAX_PLATFORMS": "cpu"}
    outputs = ",".join(str(folder / f"{name}.npz") for name in names)
    command = [sys.executable, "-m", "tests.support.distributed_program", outputs, *map(str, arguments)]
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, **flags}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """`{program: {name: array}}` of one device, two devices, and two processes."""
    folder, coordinator = tmp_path_factory.mktemp("numbers"), f"127.0.0.1:{free_port()}"
    programs = [start(folder, ["one", "devices"], "none,devices")]
    if ON_JAX:
        programs += [start(folder, [f"process_{index}"], "hosts", coordinator, 2, index) for index in range(2)]
    for program in programs:
        printed, _ = program.communicate(timeout=300)
        assert program.returncode == 0, printed
    return {file.stem: dict(np.load(file)) for file in folder.glob("*.npz")}


def difference(numbers, other, model):
    """The largest difference of the losses and weights of two programs."""
    names = [name for name in numbers if name.startswith(f"{model}/")]
    assert len(names) >= 8
    return max(np.abs(numbers[name] - other[name]).max() for name in names)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("spread", SPREAD)
def test_losses_and_weights_are_those_of_one_device(spread, model, numbers):
    assert difference(numbers["one"], numbers[spread], model) < TOLERANCE


@pytest.mark.parametrize("middle", [[layers.BatchNormalization()], []], ids=["batch_normalization", "plain"])
def test_parts_with_statistics_of_their_own_would_be_found(middle, data, network, model, gradients):
    """The mean of the gradients of both halves of a batch is right without batch normalization and wrong with it."""
    trained = model(network(*middle), zoo.AdversarialTraining(0.5))
    trained.build((None, 6))
    x, y = data
    whole, first, second = (gradients(trained, x[rows], y[rows])[1] for rows in (ALL, slice(12), slice(12, None)))
    error = max(np.abs(w - (a + b) / 2).max() for w, a, b in zip(whole, first, second, strict=True))
    assert error > 100 * TOLERANCE if middle else error < TOLERANCE


def test_one_device_is_the_default():
    batches = Batches(np.zeros((6, 2)), np.arange(6), 3)
    with distribute("none"):
        assert share_batches(batches) is batches and len(batches[0][1]) == 3


def test_unknown_way():
    with pytest.raises(ValueError, match="Unknown way to distribute 'host'. Did you mean 'hosts'"):
        with distribute("host"):
            pass


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX has several hosts")
def test_hosts_on_tensorflow_are_refused():
    with pytest.raises(ValueError, match="MultiWorkerMirroredStrategy fails inside.*KERAS_BACKEND=jax"):
        with distribute("hosts"):
            pass
