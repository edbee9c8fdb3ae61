"""Convolutional networks of the semi-supervised learning literature."""

from typing import Any

import keras
from keras import layers

from zoo.layers import BatchNormalization
from zoo.validation import check_number

Tensor = Any  # a Keras tensor

# Two poolings and a valid 3×3 convolution reduce this size to 1.
MIN_SIZE = 12


def conv_small(
    input_shape: tuple[int, ...],
    num_classes: int,
    *,
    dropout: float = 0.5,
    kernel_regularizer: Any = None,
    kernel_constraint: Any = None,
    batch_normalization_on_logits: bool = False,
    name: str = "conv_small",
) -> keras.Model:
    """Builds the nine-layer network "conv-small".

    3×3 convolutions with 64, 64, 64 filters; pooling, dropout; 3×3 convolutions with 128, 128, 128 filters; pooling,
    dropout; a 3×3 convolution with 128 filters and without padding; 1×1 convolutions with 128, 128 filters; global
    mean; dense layer. Batch normalization, which replaces the bias, and leaky ReLU of slope 0.1 follow each
    convolution. Pooling takes the maximum over 2×2.

    Args:
        input_shape: `(height, width, channels)`, height and width at least 12.
        num_classes: number of logits, at least 1.
        dropout: rate after each pooling, 0 to 1.
        kernel_regularizer: `keras.regularizers` object or identifier for every kernel. It does not act on biases.
        kernel_constraint: `keras.constraints` object or identifier for every kernel. `MaxNorm(c, axis=[0, 1, 2])`
            bounds each filter.
        batch_normalization_on_logits: whether the logits are batch-normalized.
        name: name of the model.

    Returns:
        A functional `keras.Model` from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError: `num_classes` or `dropout` is not a number.
        ValueError: a number is out of range, or the images are too small.

    Source: Salimans et al., 2016, "Improved techniques for training GANs", https://arxiv.org/abs/1606.03498; Miyato et
    al., 2018, "Virtual adversarial training", appendix, https://arxiv.org/abs/1704.03976.

    Example:
        >>> import zoo
        >>> network = zoo.networks.conv_small((32, 32, 3), num_classes=10)
        >>> network.output_shape
        (None, 10)
    """
    kernel = {"kernel_regularizer": kernel_regularizer, "kernel_constraint": kernel_constraint}
    widths = (64, 128), (128, 128, 128)
    return _network(input_shape, num_classes, widths, dropout, kernel, batch_normalization_on_logits, name)


def conv_large(
    input_shape: tuple[int, ...],
    num_classes: int,
    *,
    dropout: float = 0.5,
    kernel_regularizer: Any = None,
    kernel_constraint: Any = None,
    batch_normalization_on_logits: bool = False,
    name: str = "conv_large",
) -> keras.Model:
    """Builds the nine-layer network "conv-large".

    It is `conv_small` with more filters: 128, 128, 128 before the first pooling, 256, 256, 256 before the second, then
    512, 256 and 128.

    Args:
        input_shape: `(height, width, channels)`, height and width at least 12.
        num_classes: number of logits, at least 1.
        dropout: rate after each pooling, 0 to 1.
        kernel_regularizer: as for `conv_small`.
        kernel_constraint: as for `conv_small`.
        batch_normalization_on_logits: whether the logits are batch-normalized.
        name: name of the model.

    Returns:
        A functional `keras.Model` from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError: `num_classes` or `dropout` is not a number.
        ValueError: a number is out of range, or the images are too small.

    Source: Laine, Aila, 2017, "Temporal ensembling for semi-supervised learning", https://arxiv.org/abs/1610.02242;
    Miyato et al., 2018, "Virtual adversarial training", appendix, https://arxiv.org/abs/1704.03976.

    Example:
        >>> import zoo
        >>> network = zoo.networks.conv_large((32, 32, 3), num_classes=10)
        >>> network.output_shape
        (None, 10)
    """
    kernel = {"kernel_regularizer": kernel_regularizer, "kernel_constraint": kernel_constraint}
    widths = (128, 256), (512, 256, 128)
    return _network(input_shape, num_classes, widths, dropout, kernel, batch_normalization_on_logits, name)


def _network(
    input_shape: tuple[int, ...],
    num_classes: int,
    widths: tuple[tuple[int, int], tuple[int, int, int]],
    dropout: float,
    kernel: dict[str, Any],
    batch_normalization_on_logits: bool,
    name: str,
) -> keras.Model:
    """Two pooled stages of three convolutions, one 3×3 and two 1×1 convolutions, global mean, dense layer."""
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
    # The dense layer is a 1×1 convolution, so that the axes of one constraint suit every kernel.
    x = layers.Conv2D(num_classes, 1, use_bias=not batch_normalization_on_logits, **kernel)(x)
    logits = layers.Flatten()(x)
    if batch_normalization_on_logits:
        logits = BatchNormalization()(logits)
    return keras.Model(inputs, logits, name=name)


def _conv_block(x: Tensor, filters: int, size: int, padding: str, kernel: dict[str, Any]) -> Tensor:
    x = layers.Conv2D(filters, size, padding=padding, use_bias=False, kernel_initializer="he_normal", **kernel)(x)
    return layers.LeakyReLU(negative_slope=0.1)(BatchNormalization()(x))
