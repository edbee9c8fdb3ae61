"""Convolutional networks of the semi-supervised learning literature."""

import keras
from keras import layers

from zoo.layers import BatchNormalization
from zoo.validation import check_number

# Two poolings and a valid 3×3 convolution leave nothing of a smaller image.
MIN_SIZE = 12


def conv_small(
    input_shape,
    num_classes,
    *,
    dropout=0.5,
    kernel_regularizer=None,
    kernel_constraint=None,
    batch_normalization_on_logits=False,
    name="conv_small",
):
    """The nine-layer network "conv-small".

    3×3 convolutions 64, 64, 64; pooling, dropout; 3×3 convolutions 128, 128, 128; pooling, dropout; 3×3
    convolution 128 without padding; 1×1 convolutions 128, 128; global mean; dense. Each convolution is
    followed by batch normalization, which takes the place of its bias, and leaky ReLU of slope 0.1. Pooling
    is the maximum over 2×2.

    Args:
        input_shape: `(height, width, channels)`, height and width at least 12.
        num_classes: number of logits.
        dropout: rate after each pooling, 0 to 1.
        kernel_regularizer: `keras.regularizers` object or identifier for every kernel. Biases are free.
        kernel_constraint: `keras.constraints` object or identifier for every kernel; `MaxNorm(c, axis=[0, 1,
            2])` bounds each filter.
        batch_normalization_on_logits: whether the logits are batch-normalized.
        name: of the model.

    Returns:
        A functional `keras.Model` from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError, ValueError: a number is out of range, or the images are too small.

    Source: Salimans et al., "Improved techniques for training GANs", 2016; Miyato et al., "Virtual
    adversarial training", 2018, appendix.
    """
    kernel = {"kernel_regularizer": kernel_regularizer, "kernel_constraint": kernel_constraint}
    widths = (64, 128), (128, 128, 128)
    return _network(input_shape, num_classes, widths, dropout, kernel, batch_normalization_on_logits, name)


def conv_large(
    input_shape,
    num_classes,
    *,
    dropout=0.5,
    kernel_regularizer=None,
    kernel_constraint=None,
    batch_normalization_on_logits=False,
    name="conv_large",
):
    """The nine-layer network "conv-large": 3 × 128 and 3 × 256 channels, then 512, 256 and 128.

    In all else, result and errors included, it is `conv_small`.

    Args:
        input_shape: `(height, width, channels)`, height and width at least 12.
        num_classes, dropout, kernel_regularizer, kernel_constraint, batch_normalization_on_logits: as for `conv_small`.
        name: of the model.

    Source: Laine, Aila, "Temporal ensembling for semi-supervised learning", 2017; Miyato et al., "Virtual
    adversarial training", 2018, appendix.
    """
    kernel = {"kernel_regularizer": kernel_regularizer, "kernel_constraint": kernel_constraint}
    widths = (128, 256), (512, 256, 128)
    return _network(input_shape, num_classes, widths, dropout, kernel, batch_normalization_on_logits, name)


def _network(input_shape, num_classes, widths, dropout, kernel, batch_normalization_on_logits, name):
    """Two pooled stages of three convolutions, one 3×3 and two 1×1 convolutions, global mean, dense."""
    check_number("num_classes", num_classes, 1, integer=True)
    check_number("dropout", dropout, 0, 1)
    if len(input_shape) != 3 or min(input_shape[:2]) < MIN_SIZE:
        raise ValueError(
            f"input_shape must be (height, width, channels) of at least {MIN_SIZE}×{MIN_SIZE}, "
            f"received {tuple(input_shape)}."
        )
    stages, (wide, middle, narrow) = widths
    x = inputs = keras.Input(input_shape)
    for filters in stages:
        for _ in range(3):
            x = _conv_block(x, filters, 3, "same", kernel)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(dropout)(x) if dropout else x
    x = _conv_block(x, wide, 3, "valid", kernel)
    x = _conv_block(x, middle, 1, "valid", kernel)
    x = _conv_block(x, narrow, 1, "valid", kernel)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    # The dense layer is written as a convolution so that one constraint's axes suit every kernel.
    x = layers.Conv2D(num_classes, 1, use_bias=not batch_normalization_on_logits, **kernel)(x)
    logits = layers.Flatten()(x)
    if batch_normalization_on_logits:
        logits = BatchNormalization()(logits)
    return keras.Model(inputs, logits, name=name)


def _conv_block(x, filters, size, padding, kernel):
    x = layers.Conv2D(filters, size, padding=padding, use_bias=False, kernel_initializer="he_normal", **kernel)(x)
    return layers.LeakyReLU(negative_slope=0.1)(BatchNormalization()(x))
