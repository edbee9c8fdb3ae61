"""Statistics of normalization layers: over several devices, their derivatives, their mean over a training set."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from zoo.backend.keras_internals import flatten_layers
from zoo.layers import BatchNormalization

Tensor = Any  # a tensor of the backend


def normalizations(network: keras.Layer) -> list[keras.layers.BatchNormalization]:
    """The batch normalization layers of a network, at any depth.

    Args:
        network: any Keras network.

    Example:
        >>> from zoo.training.statistics import normalizations
        >>> len(normalizations(zoo.networks.mlp((4,), 3, hidden_units=(8, 8))))
        2
    """
    layers = flatten_layers(network)
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]


@contextlib.contextmanager
def synchronized_statistics(network: keras.Layer) -> Iterator[None]:
    """A context in which batch normalization covers the rows of all devices, on TensorFlow.

    Keras's layer takes this setting only in its constructor.

    Args:
        network: any Keras network.

    Example:
        >>> from zoo.training.statistics import normalizations, synchronized_statistics
        >>> network = zoo.networks.mlp((4,), 3, hidden_units=(8,))
        >>> with synchronized_statistics(network):
        ...     normalizations(network)[0].synchronized
        True
    """
    layers = [layer for layer in normalizations(network) if not layer.synchronized]
    for layer in layers:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer in layers:
            layer.synchronized = False  # other backends cannot load a layer with True


def whole_moments(x: Tensor, axes: list[int], keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance over some axes, with exact derivatives of every order, on TensorFlow.

    Args:
        x: tensor.
        axes: the axes.
        keepdims: whether these axes stay, with length 1.

    Returns:
        Mean and (biased) variance.

    Example:
        >>> from zoo.training.statistics import whole_moments
        >>> [float(each) for each in whole_moments(np.array([1.0, 3.0]), [0])]
        [2.0, 1.0]
    """
    import tensorflow as tf

    mean = tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), axes, keepdims=True)
    return (mean, variance) if keepdims else (tf.squeeze(mean, axes), tf.squeeze(variance, axes))


def takes_moments(layer: keras.Layer) -> bool:
    """Whether a layer may call `tf.nn.moments`. Keras's normalizations do, the zoo's do not, a user's layer may.

    Args:
        layer: any Keras layer.

    Example:
        >>> from zoo.training.statistics import takes_moments
        >>> takes_moments(keras.layers.LayerNormalization()), takes_moments(keras.layers.Dense(3))
        (True, False)
    """
    if isinstance(layer, (keras.layers.LayerNormalization, keras.layers.GroupNormalization)):
        return True
    if isinstance(layer, keras.layers.BatchNormalization):
        return not isinstance(layer, BatchNormalization) or layer.synchronized
    return type(layer).__module__.partition(".")[0] not in ("keras", "zoo")


@contextlib.contextmanager
def second_derivatives(network: keras.Layer) -> Iterator[None]:
    """A context with exact second derivatives through Keras's normalization layers, on TensorFlow.

    These layers call `tf.nn.moments`, which treats the mean as constant in the variance. The first derivative is still
    correct. The second derivative misses a term of order 1/n for statistics over n values. The context changes nothing
    on JAX, or if no layer of the network can call that function.

    Args:
        network: any Keras network.

    Example:
        >>> from zoo.training.statistics import second_derivatives
        >>> with second_derivatives(zoo.networks.mlp((4,), 3)):
        ...     pass
    """
    if keras.backend.backend() != "tensorflow" or not any(map(takes_moments, flatten_layers(network))):
        yield
        return
    import tensorflow as tf

    if tf.nn.moments is whole_moments:  # a context around the threads in which a strategy traces
        yield
        return
    before, tf.nn.moments = tf.nn.moments, whole_moments
    try:
        yield
    finally:
        tf.nn.moments = before


def reestimate_statistics(model: Any, x: np.ndarray, batch_size: int) -> None:
    """Sets the moving averages of batch normalization to the mean of the batch statistics over a training set.

    Moving averages lag behind the weights and give the last batches the largest weight. The mean does neither. The
    passes are training passes with dropout and noise, like those that update moving averages.

    Args:
        model: `ObjectiveModel`. The passes of a ladder network are clean ones.
        x: raw training inputs, `(n, ...)`.
        batch_size: number of examples per batch, at least 1. Examples that do not fill the last batch are left out,
            unless there is no other batch.

    Source: the cumulative average in the programs of Rasmus et al., 2015, https://arxiv.org/abs/1507.02672, and Miyato
    et al., 2018, https://arxiv.org/abs/1704.03976.

    Example:
        >>> network = zoo.networks.mlp((4,), num_classes=3, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network)
        >>> zoo.training.reestimate_statistics(model, np.random.normal(size=(64, 4)).astype("float32"), batch_size=32)
    """
    layers = [layer for layer in normalizations(model.network) if layer.trainable]  # frozen layers keep their averages
    if not layers:
        return
    draws = [variable for variable in model.network.variables if "seed_generator" in variable.path]
    averages = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
    starts = range(0, max(len(x) - batch_size, 0) + 1, batch_size)
    sums: list[Any] = [0.0] * len(averages)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # so that a pass sets the averages to the statistics of its batch
    try:
        for start in starts:
            inputs, _ = model.prepare(keras.ops.convert_to_tensor(x[start : start + batch_size]))
            with keras.StatelessScope() as scope:
                model.call_network(inputs, training=True)
            for index, variable in enumerate(averages):
                value = keras.ops.convert_to_numpy(scope.get_current_value(variable))
                sums[index] = sums[index] + value.astype("float64")
            for variable in draws:  # otherwise every batch would have the same noise
                variable.assign(scope.get_current_value(variable))
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    for variable, total in zip(averages, sums, strict=True):
        variable.assign((total / len(starts)).astype(np.dtype(variable.dtype)))
