"""Means in the precision of their values, and exact derivatives of the statistics in Keras's layers on TensorFlow."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.keras_internals import flatten_layers

Tensor = Any  # a tensor of the backend
REPLACED: list[Any] = []  # TensorFlow's function, one entry per open context; contexts of threads may overlap
SWITCHING = threading.Lock()


def mean(values: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """The mean over some axes. In double precision every step is in double precision.

    On JAX `keras.ops.mean` goes through single precision.

    Args:
        values: tensor in floating point.
        axis: the axes; None takes the mean over all of them.

    Returns:
        A tensor without these axes.

    Example:
        >>> from zoo.backend.moments import mean
        >>> np.asarray(mean(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=0))
        array([2., 3.])
    """
    dtype = keras.backend.standardize_dtype(values.dtype)
    if dtype != "float64":
        return ops.mean(values, axis=axis)
    total: Tensor = ops.sum(values, axis=axis)
    return total * (ops.cast(ops.size(total), dtype) / ops.cast(ops.size(values), dtype))


def whole_moments(x: Tensor, axes: Sequence[int], keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance over some axes, with exact derivatives of every order, on TensorFlow.

    Args:
        x: tensor.
        axes: the axes.
        keepdims: whether these axes stay, with length 1.

    Returns:
        Mean and (biased) variance.

    Example:
        >>> from zoo.backend.moments import whole_moments
        >>> [float(each) for each in whole_moments(np.array([1.0, 3.0]), [0])]
        [2.0, 1.0]
    """
    import tensorflow as tf

    mean = tf.reduce_mean(x, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(x - mean), axes, keepdims=True)
    return (mean, variance) if keepdims else (tf.squeeze(mean, list(axes)), tf.squeeze(variance, list(axes)))


def takes_moments(layer: keras.Layer) -> bool:
    """Whether a layer may call `tf.nn.moments`. Keras's normalizations do, the zoo's do not, a user's layer may.

    Args:
        layer: any Keras layer.

    Example:
        >>> from zoo.backend.moments import takes_moments
        >>> takes_moments(keras.layers.LayerNormalization()), takes_moments(keras.layers.Dense(3))
        (True, False)
    """
    if isinstance(layer, (keras.layers.LayerNormalization, keras.layers.GroupNormalization)):
        return True
    if isinstance(layer, keras.layers.BatchNormalization):
        return layer.synchronized or layer.renorm or not getattr(layer, "has_exact_derivatives", False)
    return type(layer).__module__.partition(".")[0] not in ("keras", "zoo")


@contextlib.contextmanager
def exact_moments(network: keras.Layer) -> Iterator[None]:
    """A context with exact second derivatives through Keras's normalization layers, on TensorFlow.

    These layers call `tf.nn.moments`, which treats the mean as constant in the variance. The first derivative is still
    correct. The second derivative misses a term of order 1/n for statistics over n values. The context changes nothing
    on JAX, or if no layer of the network can call that function.

    Args:
        network: any Keras network.

    Example:
        >>> from zoo.backend.moments import exact_moments
        >>> with exact_moments(zoo.networks.mlp((4,), 3)):
        ...     pass
    """
    if keras.backend.backend() != "tensorflow" or not any(map(takes_moments, flatten_layers(network))):
        yield
        return
    import tensorflow as tf

    with SWITCHING:
        REPLACED.append(REPLACED[0] if REPLACED else tf.nn.moments)
        tf.nn.moments = whole_moments
    try:
        yield
    finally:
        with SWITCHING:
            original = REPLACED.pop()
            tf.nn.moments = whole_moments if REPLACED else original
