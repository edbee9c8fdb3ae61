"""The second task of a classifier against its closed form, in the layer and in training."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.layers import Reconstruction

RNG = np.random.default_rng(0)
X, HIDDEN = (RNG.normal(size=(6, size)).astype("float32") for size in (5, 3))


def loss_of(layer):
    kernel, bias = map(ops.convert_to_numpy, layer.head.weights)
    return layer.weight * np.mean((HIDDEN @ kernel + bias - X) ** 2)


def test_hidden_units_pass_unchanged_and_only_training_adds_the_loss():
    layer = Reconstruction(0.7)
    for training, expected in ((True, 1), (False, 0)):
        np.testing.assert_array_equal(ops.convert_to_numpy(layer([HIDDEN, X], training=training)), HIDDEN)
        assert len(layer.losses) == expected
    layer([HIDDEN, X], training=True)
    np.testing.assert_allclose(float(layer.losses[0]), loss_of(layer), rtol=1e-5)


def test_a_training_step_descends_on_the_second_task():
    """The loss of the classes has no gradient in the head, so a step of gradient descent has a closed form."""
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(3, name="hidden")(inputs)
    network = keras.Model(inputs, Reconstruction(0.7, name="second")([hidden, inputs]))
    model = zoo.RegularizedModel(network, zoo.VirtualAdversarialTraining(0.1))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
    h = ops.convert_to_numpy(network.get_layer("hidden")(X))
    kernel, bias = before = [ops.convert_to_numpy(w) for w in network.get_layer("second").head.weights]
    model.fit(X, np.zeros(6, "int32"), batch_size=6, verbose=0)
    residual = 0.7 * 2 / X.size * (h @ kernel + bias - X)
    after = [ops.convert_to_numpy(w) for w in network.get_layer("second").head.weights]
    for old, new, slope in zip(before, after, (h.T @ residual, residual.sum(axis=0)), strict=True):
        np.testing.assert_allclose(new, old - 0.5 * slope, rtol=1e-4, atol=1e-6)


def test_a_network_with_a_second_task_loads_and_predicts_as_before(tmp_path):
    network = zoo.networks.mlp((2, 4), 3, hidden_units=(6,), reconstruction_weight=0.1)
    network.save(tmp_path / "network.keras")
    x = RNG.normal(size=(3, 2, 4)).astype("float32")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "network.keras")(x), network(x), rtol=1e-6)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="weight must be at least 0, received -1"):
        Reconstruction(-1)
    with pytest.raises(ValueError, match="reconstruction_weight must be at least 0, received -1"):
        zoo.networks.mlp((4,), 3, reconstruction_weight=-1)
