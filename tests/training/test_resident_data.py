"""Training data that lies on the device that trains, on JAX."""

import keras
import numpy as np
import pytest

import zoo
from zoo.training.execution import choose_resident

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow reads ahead instead")


class Device:
    """A device with so many bytes, or a CPU."""

    def __init__(self, num_bytes):
        self.num_bytes = num_bytes

    def memory_stats(self):
        return self.num_bytes and {"bytes_limit": self.num_bytes}


@pytest.mark.parametrize(("num_bytes", "expected"), [(None, False), (4 * 1200, True), (4 * 1200 - 4, False)])
def test_data_lies_on_an_accelerator_that_has_the_room(num_bytes, expected, monkeypatch):
    batches = zoo.datasets.Batches(np.zeros((100, 2), "float32"), np.zeros(100, "int32"), 10)  # 800 + 400 bytes
    monkeypatch.setattr("jax.local_devices", lambda: [Device(num_bytes)])
    assert choose_resident(batches) is expected


def test_fit_moves_data_to_the_device_and_learns_the_same(network, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 6)).astype("float32"), rng.integers(0, 3, 20)
    weights = []
    for resident in (False, True):
        keras.utils.set_random_seed(0)
        monkeypatch.setattr("zoo.training.jax_step.choose_resident", lambda batches, resident=resident: resident)
        model = zoo.RegularizedModel(network(), zoo.AdversarialTraining(0.1), seed=0)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        batches = zoo.datasets.Batches(x, y, 5)
        model.fit(batches, epochs=2, verbose=0)
        assert keras.ops.is_tensor(batches[0][0]) is resident
        weights.append(model.network.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
