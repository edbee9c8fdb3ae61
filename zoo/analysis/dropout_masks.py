"""The mean prediction of a network over dropout masks."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import as_classifier
from zoo.analysis.logits import prediction_of
from zoo.backend.keras_internals import is_random_state, takes_training
from zoo.backend.random_numbers import Seed, as_integer
from zoo.training.statistics import normalizations
from zoo.validation import check_number


@contextlib.contextmanager
def frozen_statistics(network: keras.Layer) -> Iterator[None]:
    """A context in which batch normalization uses its moving averages, in training mode too.

    Args:
        network: Keras network.

    Example:
        >>> from zoo.analysis.dropout_masks import frozen_statistics
        >>> normalization = keras.layers.BatchNormalization()
        >>> normalization.build((None, 1))
        >>> with frozen_statistics(normalization):
        ...     float(normalization(np.array([[5.0], [5.0]]), training=True)[0, 0]) > 4
        True
    """
    layers = [layer for layer in normalizations(network) if layer.trainable]
    before = [(variable, variable.trainable) for layer in layers for variable in layer.variables]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True  # which also sets it for all variables
        for variable, trainable in before:
            variable.trainable = trainable


def mean_over_masks(
    network: Any, inputs: Any, num_masks: int = 50, *, seed: Seed = 0, batch_size: int = 500
) -> np.ndarray:
    """The logarithm of the mean prediction over dropout masks: `log(1/M·Σ_m softmax(h(x; mask_m)))`.

    If each unit decides for itself, it is `log(p̄/(1 − p̄))` of the mean of `p = sigmoid(h)`.

    A network in prediction mode uses the weight-scaling rule instead: one pass without masks, whose result approximates
    the geometric mean over all masks. The result here serves as logits. Noise layers act, too; batch normalization uses
    its moving averages.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        num_masks: M, at least 1.
        seed: integer, `keras.random.SeedGenerator` or None, draws the masks.
        batch_size: number of inputs at a time, at least 1. Each batch has masks of its own.

    Returns:
        `(n, k)`, or `(n, ..., k)` for dense outputs.

    Raises:
        TypeError: `num_masks` is not an integer, or the network is a plain function or a layer without training mode.
        ValueError: a number is out of range.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, 2014, "Dropout: a simple way to prevent neural
    networks from overfitting", https://jmlr.org/papers/v15/srivastava14a.html, section 7.5.

    Example:
        >>> network = zoo.networks.mlp((4,), num_classes=3, hidden_units=(8,), dropout=0.5)
        >>> np.exp(zoo.analysis.mean_over_masks(network, np.ones((2, 4), "float32"), num_masks=10)).sum(axis=1).round(4)
        array([1., 1.], dtype=float32)
    """
    check_number("num_masks", num_masks, 1, integer=True)
    rng = np.random.default_rng(as_integer(seed))
    classifier = as_classifier(network)
    network = classifier.network
    if not takes_training(network):
        raise TypeError(f"Dropout masks need a Keras network whose call takes training=, received {network!r}.")
    states = [variable for variable in network.variables if is_random_state(variable)]

    def prediction(x):
        draws = rng.integers(2**31, size=(len(states), 2)).astype("uint32")
        drawn = [(state, ops.convert_to_tensor(draw, state.dtype)) for state, draw in zip(states, draws, strict=True)]
        with keras.StatelessScope(state_mapping=drawn):
            x = classifier.network_inputs(x)
            return prediction_of(network, x, classifier.outputs, classifier.output, training=True)

    def of_batch(x):
        predictions = [prediction(x) for _ in range(num_masks)]
        if predictions[0].distribution == "bernoulli":
            holds, holds_not = (sum(ops.sigmoid(sign * each.logits) for each in predictions) for sign in (1, -1))
            return ops.log(holds) - ops.log(holds_not)
        return ops.log(sum(ops.softmax(each.logits) for each in predictions) / num_masks)

    with frozen_statistics(network):
        return map_batches(of_batch, inputs, batch_size=batch_size)
