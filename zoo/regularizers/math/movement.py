"""Movement of the lattice of an input, and the derivatives of a loss along it."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.math import per_example
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

NORMALIZATIONS = ("none", "example", "batch")
FORMATS = ("channels_last", "channels_first")
MOST_CHANNELS = 4  # of an image: gray or colors, with transparency
BORDERS = ("zero", "nearest", "periodic")


def lattice_view(
    x: Tensor, lattice_shape: tuple[int, ...] | None = None, data_format: str | None = "channels_last"
) -> Tensor:
    """Reshapes inputs to channels on a lattice.

    Args:
        x: `(n, ...)`.
        lattice_shape: m lengths, each at least 2. The remaining entries are channels. With None, `(n, length)` is a
            signal with one channel, and any other input has one axis of channels.
        data_format: `"channels_last"` or `"channels_first"`. None takes Keras's `image_data_format()`, but refuses it
            if the shape contradicts it.

    Returns:
        `(n, *lattice_shape, channels)`.

    Raises:
        ValueError: the entries do not fill the lattice, one of its axes is shorter than 2 or has no known length, or
            the shape contradicts the data format.

    Example:
        >>> from zoo.regularizers.math.movement import lattice_view
        >>> lattice_view(np.zeros((2, 784)), (28, 28)).shape.as_list()
        [2, 28, 28, 1]
    """
    shape = tuple(x.shape[1:])
    if None in shape:
        raise ValueError(
            f"Movement needs the size of its inputs before the step runs, received shape {shape}. Give fit batches of "
            "one size: resize them, or let tf.data know the size by ensure_shape."
        )
    if len(shape) > 1 and is_channels_first(shape, data_format, checked=lattice_shape is None):
        x, shape = ops.moveaxis(x, 1, -1), (*shape[1:], shape[0])
    lattice = tuple(lattice_shape or (shape if len(shape) == 1 else shape[:-1]))
    if not lattice or min(lattice) < 2 or math.prod(shape) % math.prod(lattice):
        raise ValueError(
            f"Movement needs a lattice with at least 2 positions along each axis, and inputs that fill it; received "
            f"inputs of shape {shape} and lattice_shape={lattice_shape!r}."
        )
    return ops.reshape(x, (-1, *lattice, math.prod(shape) // math.prod(lattice)))


def off_lattice(images: Tensor, like: Tensor, data_format: str | None = "channels_last") -> Tensor:
    """Reshapes channels on a lattice to inputs: the inverse of `lattice_view`.

    Args:
        images: `(n, *lattice_shape, channels)`.
        like: inputs from which `lattice_view` makes this shape, `(n, ...)`.
        data_format: as for `lattice_view`.

    Returns:
        A tensor of the shape of `like`.

    Example:
        >>> from zoo.regularizers.math.movement import lattice_view, off_lattice
        >>> x = np.arange(24.0).reshape(1, 2, 3, 4)
        >>> bool(np.all(off_lattice(lattice_view(x, data_format="channels_first"), x, "channels_first") == x))
        True
    """
    shape = tuple(like.shape[1:])
    if len(shape) > 1 and is_channels_first(shape, data_format, checked=False):
        images = ops.moveaxis(ops.reshape(images, (-1, *shape[1:], shape[0])), -1, 1)
    return ops.reshape(images, ops.shape(like))


def is_channels_first(shape: tuple[int, ...], data_format: str | None, checked: bool = True) -> bool:
    """Whether the first axis of an example has the channels.

    Args:
        shape: of one example.
        data_format: as for `lattice_view`.
        checked: whether a shape may contradict None.

    Raises:
        ValueError: the shape contradicts Keras's `image_data_format()`.

    Example:
        >>> from zoo.regularizers.math.movement import is_channels_first
        >>> is_channels_first((3, 28, 28), "channels_first")
        True
    """
    if data_format is not None:
        check_choice("data_format", data_format, FORMATS)
    first = (data_format or keras.config.image_data_format()) == "channels_first"
    channels, other = (shape[0], shape[-1]) if first else (shape[-1], shape[0])
    if data_format is None and checked and len(shape) == 3 and other <= MOST_CHANNELS < channels:
        assumed, likely = FORMATS[::-1] if first else FORMATS
        raise ValueError(
            f"Images of shape {shape} have {channels} channels if they are {assumed}, as Keras's image_data_format() "
            f"says. Pass data_format={likely!r}, or {assumed!r} to confirm."
        )
    return first


def along(axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    """The index that takes `start:stop` along an axis.

    Args:
        axis: number of the axis, from 0.
        start: first position, or None.
        stop: position after the last one, or None.

    Example:
        >>> from zoo.regularizers.math.movement import along
        >>> np.arange(6).reshape(2, 3)[along(1, 0, 2)]
        array([[0, 1],
               [3, 4]])
    """
    return (slice(None),) * axis + (slice(start, stop),)


def extend(images: Tensor, axis: int, border: str) -> Tensor:
    """Adds one position at each end of an axis of the lattice.

    Args:
        images: `(n, *lattice, channels)`.
        axis: number of the axis, from 1.
        border: values outside the lattice, see `spatial_gradient`.

    Returns:
        The images, longer by 2 along the axis.

    Example:
        >>> from zoo.regularizers.math.movement import extend
        >>> np.asarray(extend(np.array([[[1.0], [2.0]]]), 1, "nearest")).ravel()
        array([1., 1., 2., 2.])
    """
    first, last = images[along(axis, 0, 1)], images[along(axis, -1, None)]
    if border == "zero":
        first, last = ops.zeros_like(first), ops.zeros_like(last)
    elif border == "periodic":
        first, last = last, first
    return ops.concatenate([first, images, last], axis=axis)


def spatial_gradient(images: Tensor, border: str = "zero") -> Tensor:
    """Central differences `(I_{p+1} − I_{p−1})/2` along every axis of the lattice.

    Args:
        images: I, `(n, *lattice, channels)`.
        border: values outside the lattice: `"zero"`, `"nearest"` (the value at the border) or `"periodic"`.

    Returns:
        `(n, *lattice, channels, m)` for a lattice with m axes.

    Example:
        >>> from zoo.regularizers.math.movement import spatial_gradient
        >>> signal = np.array([[[0.0], [1.0], [4.0]]])
        >>> np.asarray(spatial_gradient(signal, "nearest")).ravel()
        array([0.5, 2. , 1.5])
    """
    gradients = []
    for axis in range(1, len(images.shape) - 1):
        extended = extend(images, axis, border)
        gradients.append((extended[along(axis, 2, None)] - extended[along(axis, 0, -2)]) / 2)
    return ops.stack(gradients, axis=-1)


def movement_tangents(image_gradient: Tensor, field: np.ndarray) -> Tensor:
    """The derivative `t_p = ∇I_p · B(p)` of inputs that move along a field, for each channel.

    Args:
        image_gradient: ∇I, `(n, *lattice, channels, m)`.
        field: B, `(positions, m)`.

    Returns:
        t, `(n, *lattice, channels)`.

    Example:
        >>> from zoo.regularizers.math.movement import movement_tangents
        >>> np.asarray(movement_tangents(np.ones((1, 3, 1, 1)), np.array([[0.0], [1.0], [2.0]]))).ravel()
        array([0., 1., 2.])
    """
    lattice = image_gradient.shape[1:-2]
    vectors = ops.convert_to_tensor(field.reshape(*lattice, 1, field.shape[-1]), dtype=image_gradient.dtype)
    return ops.sum(image_gradient * vectors, axis=-1)


def movement_scores(loss_gradient: Tensor, image_gradient: Tensor, basis: np.ndarray) -> Tensor:
    """The derivatives `s_k = Σ_p g_p (∇I_p · B_k(p))` of the loss along basis fields, summed over channels.

    Args:
        loss_gradient: g, `(n, *lattice, channels)`.
        image_gradient: ∇I, `(n, *lattice, channels, m)`.
        basis: B, `(num_fields, positions, m)`.

    Returns:
        s, `(n, num_fields)`.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equation 8.

    Example:
        >>> from zoo.regularizers.math.movement import movement_scores
        >>> g, gradient, shift = np.ones((1, 3, 1)), np.ones((1, 3, 1, 1)), np.ones((1, 3, 1))
        >>> np.asarray(movement_scores(g, gradient, shift))
        array([[3.]])
    """
    pulls = ops.sum(ops.expand_dims(loss_gradient, -1) * image_gradient, axis=-2)
    flat_basis = ops.convert_to_tensor(basis.reshape(len(basis), -1).T, dtype=pulls.dtype)
    return ops.matmul(per_example.flatten(pulls), flat_basis)


def unit_gradient(gradient: Tensor, normalization: str) -> Tensor:
    """Divides a loss gradient by its norm. The weights' gradient runs through the norm. A zero gradient stays zero.

    Args:
        gradient: g, `(n, ...)`.
        normalization: `"none"` returns g, `"example"` divides by the norm of each example, `"batch"` by the norm over
            the whole batch.

    Returns:
        `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math.movement import unit_gradient
        >>> np.asarray(unit_gradient(np.array([[3.0, 4.0]]), "example"))
        array([[0.6, 0.8]])
    """
    if normalization == "none":
        return gradient
    # Gradients of confident networks are so small that their squares vanish. A constant factor changes no result.
    largest = ops.stop_gradient(ops.max(ops.abs(per_example.flatten(gradient)), axis=-1, initial=0))
    if normalization == "batch":
        largest = sum_over_replicas(ops.max(largest, initial=0)) * ops.ones_like(largest)
    gradient = gradient / per_example.expand(ops.where(largest > 0, largest, ops.ones_like(largest)), gradient)
    squares = per_example.squared_norm(gradient)
    if normalization == "batch":
        return gradient / per_example.root(sum_over_replicas(ops.sum(squares)))
    return gradient / per_example.expand(per_example.root(squares), gradient)
