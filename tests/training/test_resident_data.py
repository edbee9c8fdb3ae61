"""Training data that stays on the accelerator, on JAX."""

import keras
import numpy as np
import pytest

import zoo

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow reads ahead instead")


def test_fit_moves_data_to_the_device_and_learns_the_same(network, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 6)).astype("float32"), rng.integers(0, 3, 20)
    weights = []
    for resident in (False, True):
        keras.utils.set_random_seed(0)
        monkeypatch.setattr("zoo.backend.devices.memory_bytes", lambda resident=resident: 2**20 * resident)
        model = zoo.RegularizedModel(network(), zoo.AdversarialTraining(0.1), seed=0)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        batches = zoo.datasets.Batches(x, y, 5)
        model.fit(batches, epochs=2, verbose=0)
        assert keras.ops.is_tensor(batches[0][0]) is resident
        weights.append(model.network.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
