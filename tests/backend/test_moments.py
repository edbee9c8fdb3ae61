"""The mean in the precision of its values, and the layers whose statistics have exact derivatives."""

import contextlib

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.backend.moments import exact_moments, mean, takes_moments, whole_moments


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
def test_double_precision_stays(axis):
    values = np.random.default_rng(0).uniform(size=(3, 4, 5))
    found = ops.convert_to_numpy(mean(ops.convert_to_tensor(values), axis=axis))
    assert found.dtype == "float64"
    np.testing.assert_allclose(found, values.mean(axis=axis), rtol=1e-14)


def test_half_precision_does_not_overflow():
    values = ops.convert_to_tensor(np.full(100, 6e4), "float16")  # their sum is above the largest number
    assert float(mean(values)) == pytest.approx(6e4, rel=1e-3)


class Own(layers.Layer):
    """A user's layer, whose call may do anything."""


LAYERS = {
    "layer": (layers.LayerNormalization(), True),
    "group": (layers.GroupNormalization(1), True),
    "batch": (layers.BatchNormalization(), True),
    "batch_of_the_zoo": (zoo.layers.BatchNormalization(), False),
    "renormalized": (layers.BatchNormalization(renorm=True), True),
    "unit": (layers.UnitNormalization(), False),
    "dense": (layers.Dense(3), False),
    "own": (Own(), True),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_that_may_take_moments(name):
    layer, expected = LAYERS[name]
    assert takes_moments(layer) is expected


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the function is TensorFlow's")
def test_the_function_of_tensorflow_comes_back_after_the_outer_context():
    import tensorflow as tf

    before = tf.nn.moments
    network = keras.Sequential([keras.Input((4,)), layers.LayerNormalization()])
    with exact_moments(network):
        with exact_moments(network):
            assert tf.nn.moments is whole_moments
        assert tf.nn.moments is whole_moments
    assert tf.nn.moments is before
    with pytest.raises(KeyboardInterrupt), exact_moments(network):
        raise KeyboardInterrupt
    assert tf.nn.moments is before


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the function is TensorFlow's")
def test_overlapping_contexts_may_end_in_any_order():
    import tensorflow as tf

    before = tf.nn.moments
    network = keras.Sequential([keras.Input((4,)), layers.LayerNormalization()])
    first, second = contextlib.ExitStack(), contextlib.ExitStack()
    for context in (first, second):
        context.enter_context(exact_moments(network))
    first.close()
    assert tf.nn.moments is whole_moments
    second.close()
    assert tf.nn.moments is before
