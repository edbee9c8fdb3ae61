"""Statistics of batch normalization: over several devices, and their mean over a training set."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from zoo.backend.keras_internals import flatten_layers, is_random_state
from zoo.validation import check_number


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


def reestimate_statistics(model: Any, x: np.ndarray, batch_size: int, *, unbiased: bool = False) -> None:
    """Sets the moving averages of batch normalization to the mean of the batch statistics over a training set.

    Moving averages lag behind the weights and give the last batches the largest weight. The mean does neither. The
    passes are training passes with dropout and noise, like those that update moving averages.

    Args:
        model: `ObjectiveModel`. The passes of a ladder network are clean ones.
        x: raw training inputs, `(n, ...)`.
        batch_size: number of examples per batch, at least 1. Examples that do not fill the last batch are left out,
            unless there is no other batch.
        unbiased: whether variances are multiplied by `n/(n − 1)`, with n the number of examples in a batch. The ladder
            authors' program does so, with the labeled examples as x.

    Raises:
        ValueError: `x` is empty, or `batch_size` is out of range.

    Source: the cumulative average in the programs of Rasmus et al., 2015, https://arxiv.org/abs/1507.02672, and Miyato
    et al., 2018, https://arxiv.org/abs/1704.03976.

    Example:
        >>> network = zoo.networks.mlp((4,), num_classes=3, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network)
        >>> zoo.training.reestimate_statistics(model, np.random.normal(size=(64, 4)).astype("float32"), batch_size=32)
    """
    check_number("batch_size", batch_size, 1, integer=True)
    if not np.ndim(x) or not len(x):
        raise ValueError(f"Statistics need one array of at least one input, received shape {np.shape(x)}.")
    layers = [layer for layer in normalizations(model.network) if layer.trainable]  # frozen layers keep their averages
    if not layers:
        return
    draws = [variable for variable in model.network.variables if is_random_state(variable)]
    averages = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
    starts = range(0, max(len(x) - batch_size, 0) + 1, batch_size)
    sums: list[Any] = [0.0] * len(averages)
    with _averages_of_the_last_batch(layers):
        for start in starts:
            inputs, _ = model.prepare(keras.ops.convert_to_tensor(x[start : start + batch_size]))
            with keras.StatelessScope() as scope:
                model.call_network(inputs, training=True)
            for index, variable in enumerate(averages):
                value = keras.ops.convert_to_numpy(scope.get_current_value(variable))
                sums[index] = sums[index] + value.astype("float64")
            for variable in draws:  # otherwise every batch would have the same noise
                variable.assign(scope.get_current_value(variable))
    rows = min(batch_size, len(x))
    factors = (1.0, rows / max(rows - 1, 1) if unbiased else 1.0) * len(layers)  # of means and variances in turn
    for variable, total, factor in zip(averages, sums, factors, strict=True):
        variable.assign((factor * total / len(starts)).astype(np.dtype(variable.dtype)))


@contextlib.contextmanager
def _averages_of_the_last_batch(layers: Sequence[Any]) -> Iterator[None]:
    """Inside this context, a pass replaces moving averages with the statistics of its batch."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


@contextlib.contextmanager
def labeled_statistics(model: Any, x: np.ndarray, batch_size: int) -> Iterator[None]:
    """A context in which a ladder predicts with the statistics of its labeled inputs, as its authors' program does.

    Args:
        model: classifier of a ladder, see `LadderNetwork.classifier`.
        x: raw labeled inputs, `(n, ...)`.
        batch_size: number of examples per batch, at least 1.

    Source: the program of Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder
    networks", https://arxiv.org/abs/1507.02672.

    Example:
        >>> from zoo.training.statistics import labeled_statistics, normalizations
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((1,), 2, hidden_units=()))
        >>> with labeled_statistics(model, np.array([[1.0], [3.0]]), batch_size=2):
        ...     normalizations(model.network)
        []
    """
    layers = normalizations(model.network)
    averages: list[Any] = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in averages]
    reestimate_statistics(model, x, batch_size, unbiased=True)
    try:
        yield
    finally:
        for variable, value in zip(averages, before, strict=True):
            variable.assign(value)
