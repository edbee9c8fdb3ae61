"""The loss of the second task, and a training step on it, against closed forms."""

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


def test_a_network_reconstructs_its_inputs_without_their_noise(tmp_path):
    network = zoo.networks.mlp((2, 4), 3, hidden_units=(6, 5), input_noise_std=0.9, reconstruction_weight=0.1)
    network.save(tmp_path / "network.keras")
    x = RNG.normal(size=(3, 2, 4)).astype("float32")
    for each in (network, keras.saving.load_model(tmp_path / "network.keras")):
        (layer,) = [layer for layer in each.layers if isinstance(layer, Reconstruction)]
        seen, decode = {}, layer.head.call
        layer.head.call = lambda *args, decode=decode, seen=seen, **options: seen.setdefault(0, decode(*args))
        each(x, training=True)
        found = ops.convert_to_numpy(seen[0])
        np.testing.assert_allclose(float(sum(each.losses)), 0.1 * np.mean((found - x.reshape(3, 8)) ** 2), rtol=1e-5)
        assert layer.head.kernel.shape == (5, 8)


@pytest.mark.parametrize("policy, expected", [("float64", "float64"), ("mixed_bfloat16", "float32")])
def test_the_loss_is_summed_in_at_least_single_precision(policy, expected):
    layer = Reconstruction(1.0, dtype=policy)
    layer([HIDDEN.astype("float64"), X.astype("float64")], training=True)
    assert keras.backend.standardize_dtype(layer.losses[0].dtype) == expected


def test_bad_weights_and_shapes_are_refused():
    with pytest.raises(ValueError, match="weight must be at least 0, received -1"):
        Reconstruction(-1)
    with pytest.raises(ValueError, match="reconstruction_weight must be at least 0, received -1"):
        zoo.networks.mlp((4,), 3, reconstruction_weight=-1)
    with pytest.raises(ValueError, match="needs a hidden layer, received reconstruction_weight=1"):
        zoo.networks.mlp((4,), 3, hidden_units=(), reconstruction_weight=1)
    with pytest.raises(ValueError, match=r"needs inputs of shape \(n, d\), received \(8, 8, 8\). Add a Flatten"):
        Reconstruction()([np.ones((8, 4), "float32"), np.ones((8, 8, 8), "float32")])
