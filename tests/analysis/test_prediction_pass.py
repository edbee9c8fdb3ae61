"""Passes in prediction mode."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.analysis import loss_gradient, penalty_values, predict_logits
from zoo.analysis.prediction_pass import prediction_pass
from zoo.regularizers import JacobianPenalty


@pytest.fixture
def noisy():
    """A network that behaves differently in training."""
    layers = [keras.layers.Dense(6), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    network = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(3)])
    network.set_weights([np.random.default_rng(2).uniform(0.5, 1.5, w.shape) for w in network.get_weights()])
    return network


def test_networks_run_in_prediction_mode_and_keep_their_state(noisy, rng):
    x = rng.normal(size=(5, 4)).astype("float32")
    before = noisy.get_weights()
    clean_pass = prediction_pass(noisy, x)
    np.testing.assert_allclose(clean_pass.logits, noisy(x, training=False), rtol=1e-5)
    np.testing.assert_allclose(clean_pass.forward(x), clean_pass.logits, rtol=1e-5)
    alone, together = (penalty_values(noisy, x, JacobianPenalty(), batch_size=size) for size in (1, 5))
    np.testing.assert_allclose(alone, together, rtol=1e-4)
    for a, b in zip(before, noisy.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_networks_without_modes_and_of_half_precision(rng):
    class Plain(keras.layers.Layer):
        def call(self, x):
            return ops.cast(2 * x, "float16")

    x = rng.normal(size=(3, 2)).astype("float32")
    logits = predict_logits(Plain(), x)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    np.testing.assert_allclose(logits, 2 * x, rtol=1e-2)


def test_the_loss_needs_labels(perceptron, rng):
    with pytest.raises(ValueError, match="needs labels, received labels=None"):
        loss_gradient(perceptron.tensors, rng.normal(size=(2, 5)), None)


def test_integer_inputs_have_derivatives(noisy):
    x = np.arange(8).reshape(2, 4)
    expected = loss_gradient(noisy, x.astype("float32"), [0, 1])
    np.testing.assert_allclose(loss_gradient(noisy, x, [0, 1]), expected, rtol=1e-6)
