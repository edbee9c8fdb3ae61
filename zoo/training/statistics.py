"""Statistics of normalization layers: over several devices, their derivatives, their average over a training set."""

import contextlib

import keras
import numpy as np

from zoo.backend.keras_internals import flatten_layers
from zoo.layers import BatchNormalization


def normalizations(network):
    """The batch normalization layers of a network, at any depth."""
    layers = flatten_layers(network)
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]


@contextlib.contextmanager
def synchronized_statistics(network):
    """Batch normalization over the rows of all devices, on TensorFlow, where Keras's layer is told at its making."""
    layers = [layer for layer in normalizations(network) if not layer.synchronized]
    for layer in layers:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer in layers:
            layer.synchronized = False  # other backends refuse to load what says True


def whole_moments(x, axes, keepdims=False):
    """Mean and variance over some axes with derivatives of every order, on TensorFlow."""
    import tensorflow as tf

    mean = tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), axes, keepdims=True)
    return (mean, variance) if keepdims else (tf.squeeze(mean, axes), tf.squeeze(variance, axes))


def takes_moments(layer):
    """Whether a layer may call `tf.nn.moments`: Keras's normalizations do, the zoo's do not, a user's own might."""
    if isinstance(layer, (keras.layers.LayerNormalization, keras.layers.GroupNormalization)):
        return True
    if isinstance(layer, keras.layers.BatchNormalization):
        return not isinstance(layer, BatchNormalization) or layer.synchronized
    return type(layer).__module__.partition(".")[0] not in ("keras", "zoo")


@contextlib.contextmanager
def second_derivatives(network):
    """Exact second derivatives through Keras's normalization layers, on TensorFlow; elsewhere nothing.

    Those layers call `tf.nn.moments`, which holds the mean constant in the variance. The first derivative is right
    all the same. The second lacks a term of order 1/n for statistics over n values. Networks whose layers cannot call
    it are left alone.
    """
    if keras.backend.backend() != "tensorflow" or not any(map(takes_moments, flatten_layers(network))):
        yield
        return
    import tensorflow as tf

    if tf.nn.moments is whole_moments:  # around the threads in which a strategy traces
        yield
        return
    before, tf.nn.moments = tf.nn.moments, whole_moments
    try:
        yield
    finally:
        tf.nn.moments = before


def reestimate_statistics(model, x, batch_size):
    """Sets the moving averages of batch normalization to the mean of the batch statistics over a training set.

    Moving averages lag behind the weights and weigh the last batches most; these do neither. The passes are training
    passes, dropout and noise included, as those are from which the moving averages come.

    Args:
        model: `ObjectiveModel`; a ladder network's passes are clean ones.
        x: raw training inputs, `(n, ...)`.
        batch_size: at least 1; the examples that do not fill a batch are left out, unless there are no others.

    Source: the cumulative average of the ladder authors' and the VAT authors' programs.
    """
    layers = [layer for layer in normalizations(model.network) if layer.trainable]  # frozen ones keep theirs
    if not layers:
        return
    draws = [variable for variable in model.network.variables if "seed_generator" in variable.path]
    averages = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
    starts = range(0, max(len(x) - batch_size, 0) + 1, batch_size)
    sums = [0.0] * len(averages)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # one pass then leaves the statistics of its batch alone
    try:
        for start in starts:
            inputs, _ = model.prepare(keras.ops.convert_to_tensor(x[start : start + batch_size]))
            with keras.StatelessScope() as scope:
                model.call_network(inputs, training=True)
            for index, variable in enumerate(averages):
                value = keras.ops.convert_to_numpy(scope.get_current_value(variable))
                sums[index] = sums[index] + value.astype("float64")
            for variable in draws:  # else every batch would have the same noise
                variable.assign(scope.get_current_value(variable))
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    for variable, total in zip(averages, sums, strict=True):
        variable.assign((total / len(starts)).astype(np.dtype(variable.dtype)))
