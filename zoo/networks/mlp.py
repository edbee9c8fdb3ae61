"""Multilayer perceptrons."""

import keras
from keras import layers

from zoo.layers import BatchNormalization
from zoo.validation import check_number


def mlp(
    input_shape,
    num_classes,
    *,
    hidden_units=(1200, 600, 300, 150),
    batch_normalization=True,
    batch_normalization_on_logits=False,
    dropout=0.0,
    input_dropout=0.0,
    input_noise_std=0.0,
    hidden_noise_std=0.0,
    kernel_regularizer=None,
    kernel_constraint=None,
    activity_regularizer=None,
    name="mlp",
):
    """A fully connected network with ReLU units.

    Each hidden layer is dense (named `hidden_1`, `hidden_2` …), batch normalization, ReLU, Gaussian noise, dropout; a
    dense layer gives the logits. A dense layer followed by batch normalization has no bias of its own.

    Args:
        input_shape: shape of one example; it is flattened.
        num_classes: number of logits.
        hidden_units: widths of the hidden layers; none makes a linear softmax classifier.
        batch_normalization: whether hidden layers are batch-normalized.
        batch_normalization_on_logits: whether the logits are.
        dropout, input_dropout: rates on hidden units and on inputs, 0 to 1.
        input_noise_std, hidden_noise_std: standard deviations of Gaussian noise added to inputs and to hidden
            units in training, at least 0.
        kernel_regularizer: `keras.regularizers` object or identifier for every dense kernel. Biases are free.
        kernel_constraint: `keras.constraints` object or identifier for every dense kernel; `MaxNorm(c,
            axis=0)` bounds each unit's weight column.
        activity_regularizer: `keras.regularizers` object or identifier for the outputs of every ReLU, `L1(α)`
            for representational sparsity. Keras divides its sum by the batch size: it is the mean over
            examples.
        name: of the model.

    Returns:
        A functional `keras.Model` from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError, ValueError: a number is out of range, or `hidden_units` is no list.
    """
    check_number("num_classes", num_classes, 1, integer=True)
    if not isinstance(hidden_units, (list, tuple)):
        raise TypeError(f"hidden_units must be a list of widths, such as [1200, 600], received {hidden_units!r}.")
    for what, rate in {"dropout": dropout, "input_dropout": input_dropout}.items():
        check_number(what, rate, 0, 1)
    for what, std in {"input_noise_std": input_noise_std, "hidden_noise_std": hidden_noise_std}.items():
        check_number(what, std, 0)
    kernel = {"kernel_regularizer": kernel_regularizer, "kernel_constraint": kernel_constraint}
    inputs = keras.Input(input_shape)
    x = _corrupt(layers.Flatten()(inputs), input_noise_std, input_dropout)
    for depth, units in enumerate(hidden_units, 1):
        check_number("hidden_units", units, 1, integer=True)
        x = _dense(x, units, batch_normalization, kernel, f"hidden_{depth}")
        x = layers.Activation("relu", activity_regularizer=activity_regularizer)(x)
        x = _corrupt(x, hidden_noise_std, dropout)
    logits = _dense(x, num_classes, batch_normalization_on_logits, kernel, "logits")
    return keras.Model(inputs, logits, name=name)


def _dense(x, units, batch_normalization, kernel, name):
    x = layers.Dense(units, use_bias=not batch_normalization, name=name, **kernel)(x)
    return BatchNormalization()(x) if batch_normalization else x


def _corrupt(x, noise_std, dropout):
    """Gaussian noise, then dropout, in training only; each is left out at 0."""
    if noise_std:
        x = layers.GaussianNoise(noise_std)(x)
    return layers.Dropout(dropout)(x) if dropout else x
