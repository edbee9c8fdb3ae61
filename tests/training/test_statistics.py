"""Statistics of batch normalization over a training set, against NumPy."""

import keras
import numpy as np
import pytest
from keras import layers

from zoo.training import ReestimateStatistics, reestimate_statistics
from zoo.training.statistics import labeled_statistics, synchronized_statistics


@pytest.mark.parametrize("batch_size", [8, 5])
def test_averages_are_those_of_the_batches(network, model, data, batch_size):
    normalization = layers.BatchNormalization(momentum=0.9)
    wrapped = model(network(normalization, use_bias=False), preprocessing=layers.Rescaling(2.0))
    wrapped.build((None, 6))
    x, _ = data
    before = [keras.ops.convert_to_numpy(v).copy() for v in wrapped.network.trainable_variables]
    reestimate_statistics(wrapped, x, batch_size)
    hidden = np.tanh(2.0 * x @ before[0])
    batches = [hidden[i : i + batch_size] for i in range(0, len(x) - batch_size + 1, batch_size)]
    mean, variance = (np.mean([getattr(b, what)(axis=0) for b in batches], axis=0) for what in ("mean", "var"))
    np.testing.assert_allclose(normalization.moving_mean, mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(normalization.moving_variance, variance, rtol=1e-4)
    assert normalization.momentum == 0.9
    for variable, old in zip(wrapped.network.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), old)


def test_callback_acts_when_training_ends_and_changes_the_predictions(network, model, data, fit, quick):
    x, y = data
    predictions = []
    for callbacks in ([], [ReestimateStatistics(x, 8)]):
        normalization = layers.BatchNormalization()
        wrapped = model(network(normalization, use_bias=False), **quick)
        fit(wrapped, x, y, callbacks=callbacks)
        predictions.append(wrapped.predict(x, verbose=0))
    assert np.max(np.abs(predictions[0] - predictions[1])) > 0.01


def test_a_network_without_batch_normalisation_stays(network, model, data):
    wrapped = model(network())
    wrapped.build((None, 6))
    before = wrapped.get_weights()
    reestimate_statistics(wrapped, data[0], 8)
    for a, b in zip(wrapped.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind, amount, mean", [(layers.GaussianNoise, 1.0, 0), (layers.Dropout, 0.5, 1)])
def test_every_batch_has_noise_of_its_own(model, kind, amount, mean):
    normalization = layers.BatchNormalization()
    wrapped = model(keras.Sequential([keras.Input((50,)), kind(amount, seed=1), normalization, layers.Dense(3)]))
    wrapped.build((None, 50))
    reestimate_statistics(wrapped, np.full((2000, 50), mean, "float32"), 100)
    # The bound is 50 times the error of a mean over 2000 draws; the same noise in every batch would give 4.5.
    errors = (keras.ops.convert_to_numpy(normalization.moving_mean) - mean) * np.sqrt(2000)
    assert 0.7 < np.std(errors) < 1.4


def test_frozen_statistics_stay(network, model, data):
    frozen = layers.BatchNormalization()
    frozen.trainable = False
    wrapped = model(network(frozen, layers.BatchNormalization()))
    wrapped.build((None, 6))
    before = keras.ops.convert_to_numpy(frozen.moving_mean)
    reestimate_statistics(wrapped, data[0], 8)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(frozen.moving_mean), before)


def test_unbiased_variances_and_their_end(network, model, data):
    normalization = layers.BatchNormalization()
    wrapped = model(network(normalization, use_bias=False))
    wrapped.build((None, 6))
    x = data[0][:10]
    hidden = np.tanh(x @ keras.ops.convert_to_numpy(wrapped.network.trainable_variables[0]))
    before = wrapped.get_weights()
    with labeled_statistics(wrapped, x, 5):
        expected = np.mean([hidden[:5].var(axis=0, ddof=1), hidden[5:].var(axis=0, ddof=1)], axis=0)
        np.testing.assert_allclose(normalization.moving_variance, expected, rtol=1e-4)
        np.testing.assert_allclose(normalization.moving_mean, hidden.mean(axis=0), rtol=1e-4, atol=1e-6)
    for a, b in zip(wrapped.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("rows, batch_size, message", [(0, 4, r"received shape \(0, 6\)"), (8, 0, "received 0")])
def test_unsuitable_inputs(rows, batch_size, message, network, model):
    with pytest.raises(ValueError, match=message):
        reestimate_statistics(model(network()), np.zeros((rows, 6)), batch_size)


def test_statistics_are_of_all_devices_within_the_context_only():
    inner = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
    network = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(), inner])
    normalizations = network.layers[0], inner.layers[0]
    with pytest.raises(KeyboardInterrupt), synchronized_statistics(network):
        assert all(layer.synchronized for layer in normalizations)
        raise KeyboardInterrupt
    assert not any(layer.synchronized for layer in normalizations)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras has this setting on TensorFlow only")
def test_a_layer_that_was_made_for_all_devices_stays_so():
    network = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(synchronized=True)])
    with synchronized_statistics(network):
        assert network.layers[0].synchronized
    assert network.layers[0].synchronized
