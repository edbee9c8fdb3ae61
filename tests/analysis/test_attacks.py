"""Attacks against closed forms on a linear classifier."""

import keras
import numpy as np
import pytest

import zoo
from zoo.analysis import attacked_error_percent, gaussian_sign_noise, loss_gradient, sign_noise


@pytest.fixture
def model():
    """A linear classifier of 3 classes behind a scaling by 1/2."""
    network = zoo.networks.mlp((6,), 3, hidden_units=())
    network.set_weights([np.random.default_rng(0).normal(size=(6, 3)), np.zeros(3)])
    preprocessing = keras.Sequential([keras.Input((6,)), keras.layers.Rescaling(0.5)])
    model = zoo.RegularizedModel(network, preprocessing=preprocessing)
    model.build((None, 6))
    return model


@pytest.fixture
def data(model):
    """Inputs and the labels that the model itself gives them."""
    x = np.random.default_rng(1).normal(size=(50, 6)).astype("float32")
    return x, np.argmax(model.predict(x, verbose=0), axis=-1)


def gradient(model, inputs, labels):
    kernel, bias = model.network.get_weights()
    logits = inputs @ kernel + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return (p - np.eye(3)[labels]) @ kernel.T


def test_gradient_and_sign_noise(model, data):
    x, y = data
    expected = gradient(model, x, y)
    np.testing.assert_allclose(loss_gradient(model.network, x, y), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(sign_noise(model.network, x, y, 0.25), x + 0.25 * np.sign(expected), rtol=1e-6)


def test_gaussian_sign_noise_has_the_same_power_and_no_direction(model):
    x = np.zeros((200, 6), "float32")
    noise = keras.ops.convert_to_numpy(gaussian_sign_noise(None, x, None, 0.25, keras.random.SeedGenerator(0)))
    np.testing.assert_array_equal(np.abs(noise), 0.25)
    assert abs(noise.mean()) < 5 * 0.25 / np.sqrt(noise.size)


def test_errors_are_those_of_the_perturbed_preprocessed_inputs(model, data):
    x, y = data
    assert attacked_error_percent(model, x, y, "sign", 0.0) == 0.0
    perturbed = 0.5 * x + 0.25 * np.sign(gradient(model, 0.5 * x, y))
    wrong = np.argmax(perturbed @ model.network.get_weights()[0], axis=-1) != y
    error = attacked_error_percent(model, x, y, "sign", 0.25, batch_size=7)
    assert error == 100 * wrong.mean() > attacked_error_percent(model, x, y, "gaussian_sign", 0.25)


def test_bad_input(model, data):
    with pytest.raises(ValueError, match="Did you mean 'sign'"):
        attacked_error_percent(model, *data, "sgn", 0.25)
    with pytest.raises(ValueError, match="tau must be at least 0, received -1"):
        attacked_error_percent(model, *data, "sign", -1)
