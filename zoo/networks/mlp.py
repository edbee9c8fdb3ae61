"""Multilayer perceptrons."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from zoo.layers import BatchNormalization, Reconstruction
from zoo.validation import check_number

Tensor = Any  # a Keras tensor


def mlp(
    input_shape: tuple[int, ...],
    num_classes: int,
    *,
    hidden_units: Sequence[int] = (1200, 600, 300, 150),
    batch_normalization: bool = True,
    batch_normalization_on_logits: bool = False,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    input_noise_std: float = 0.0,
    hidden_noise_std: float = 0.0,
    kernel_regularizer: Any = None,
    kernel_constraint: Any = None,
    activity_regularizer: Any = None,
    reconstruction_weight: float = 0.0,
    name: str = "mlp",
) -> keras.Model:
    """Builds a fully connected network with ReLU units.

    Each hidden layer consists of a dense layer (named `hidden_1`, `hidden_2` …), batch normalization, ReLU, Gaussian
    noise and dropout. A last dense layer gives the logits. Batch normalization replaces the bias of a dense layer.

    Args:
        input_shape: shape of one example. The network flattens it.
        num_classes: number of logits, at least 1.
        hidden_units: widths of the hidden layers, each at least 1. An empty list makes a linear softmax classifier.
        batch_normalization: whether the hidden layers are batch-normalized.
        batch_normalization_on_logits: whether the logits are batch-normalized.
        dropout: rate on hidden units, 0 to 1.
        input_dropout: rate on inputs, 0 to 1.
        input_noise_std: standard deviation of the Gaussian noise that training adds to inputs, at least 0.
        hidden_noise_std: standard deviation of the Gaussian noise that training adds to hidden units, at least 0.
        kernel_regularizer: `keras.regularizers` object or identifier for every dense kernel. It does not act on biases.
        kernel_constraint: `keras.constraints` object or identifier for every dense kernel. `MaxNorm(c, axis=0)` bounds
            the norm of each unit's weights.
        activity_regularizer: `keras.regularizers` object or identifier for the outputs of every ReLU, such as `L1(α)`
            for sparse representations. Keras divides the sum over a batch by the batch size.
        reconstruction_weight: weight of a second task in the loss, at least 0. The last hidden layer also reconstructs
            the inputs, without their noise and dropout, see `zoo.layers.Reconstruction`.
        name: name of the model.

    Returns:
        A functional `keras.Model` from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError: an argument is not a number, or `hidden_units` is not a list.
        ValueError: a number is out of range, or a second task has no hidden layer.

    Example:
        >>> import zoo
        >>> network = zoo.networks.mlp((28, 28, 1), num_classes=10, hidden_units=[1200, 1200], dropout=0.5)
        >>> network.output_shape
        (None, 10)
    """
    _check_widths(num_classes, hidden_units)
    for what, rate in {"dropout": dropout, "input_dropout": input_dropout}.items():
        check_number(what, rate, 0, 1)
    for what, std in {"input_noise_std": input_noise_std, "hidden_noise_std": hidden_noise_std}.items():
        check_number(what, std, 0)
    if check_number("reconstruction_weight", reconstruction_weight, 0) and not hidden_units:
        raise ValueError(f"A second task needs a hidden layer, received reconstruction_weight={reconstruction_weight}.")
    kernel = {"kernel_regularizer": kernel_regularizer, "kernel_constraint": kernel_constraint}
    inputs = keras.Input(input_shape)
    flat = layers.Flatten()(inputs)
    x = _corrupt(flat, input_noise_std, input_dropout)
    for depth, units in enumerate(hidden_units, 1):
        x = _dense(x, units, batch_normalization, kernel, f"hidden_{depth}")
        x = layers.Activation("relu", activity_regularizer=activity_regularizer)(x)
        x = _corrupt(x, hidden_noise_std, dropout)
    if reconstruction_weight:
        x = Reconstruction(reconstruction_weight)([x, flat])
    logits = _dense(x, num_classes, batch_normalization_on_logits, kernel, "logits")
    return keras.Model(inputs, logits, name=name)


def _check_widths(num_classes, hidden_units):
    check_number("num_classes", num_classes, 1, integer=True)
    if not isinstance(hidden_units, (list, tuple)):
        raise TypeError(f"hidden_units must be a list of widths, such as [1200, 600], received {hidden_units!r}.")
    for units in hidden_units:
        check_number("hidden_units", units, 1, integer=True)


def _dense(x: Tensor, units: int, batch_normalization: bool, kernel: dict[str, Any], name: str) -> Tensor:
    x = layers.Dense(units, use_bias=not batch_normalization, name=name, **kernel)(x)
    return BatchNormalization()(x) if batch_normalization else x


def _corrupt(x: Tensor, noise_std: float, dropout: float) -> Tensor:
    """Gaussian noise, then dropout, in training only. A value of 0 adds no layer."""
    if noise_std:
        x = layers.GaussianNoise(noise_std)(x)
    return layers.Dropout(dropout)(x) if dropout else x
