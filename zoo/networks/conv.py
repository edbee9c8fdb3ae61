"""Convolutional networks of the literature: one of adversarial training, two of semi-supervised learning."""

from typing import Any

import keras
from keras import layers

from zoo.layers import BatchNormalization
from zoo.validation import check_number

Tensor = Any  # a Keras tensor

# Two poolings and a valid 3×3 convolution reduce this size to 1.
MIN_SIZE = 12


def conv(input_shape: tuple[int, ...], num_classes: int, *, name: str = "conv") -> keras.Model:
    """Builds the small network on which adversarial training of MNIST is measured.

    5×5 convolutions with 32 and 64 filters, each followed by ReLU and pooling; a dense layer with 1024 ReLU units; a
    dense layer. Pooling takes the maximum over 2×2. There is neither batch normalization nor dropout.

    Args:
        input_shape: `(height, width, channels)`, height and width at least 4.
        num_classes: number of logits, at least 1.
        name: name of the model.

    Returns:
        A functional `keras.Model` from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError: `num_classes` is not a number.
        ValueError: `num_classes` is out of range, or the images are too small.

    Source: Madry, Makelov, Schmidt, Tsipras, Vladu, 2018, "Towards deep learning models resistant to adversarial
    attacks", section 5, https://arxiv.org/abs/1706.06083.

    Example:
        >>> import zoo
        >>> network = zoo.networks.conv((28, 28, 1), num_classes=10)
        >>> network.output_shape
        (None, 10)
    """
    check_number("num_classes", num_classes, 1, integer=True)
    _check_images(input_shape, 4)  # two poolings reduce this size to 1
    x = inputs = keras.Input(input_shape)
    for filters in (32, 64):
        x = layers.Conv2D(filters, 5, padding="same", activation="relu", kernel_initializer="he_normal")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dense(1024, activation="relu", kernel_initializer="he_normal")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(num_classes)(x), name=name)


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


def _check_images(input_shape: tuple[int, ...], size: int) -> None:
    """Refuses inputs that are not images of at least this height and width."""
    if len(input_shape) != 3 or min(input_shape[:2]) < size:
        raise ValueError(
            f"input_shape must be (height, width, channels) of at least {size}×{size}, received {tuple(input_shape)}."
        )


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
    _check_images(input_shape, MIN_SIZE)
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
