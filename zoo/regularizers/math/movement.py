"""Movement of the lattice on which inputs live: its derivatives."""

import math

from keras import ops

from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.math import per_example

NORMALIZATIONS = ("none", "example", "batch")


BORDERS = ("zero", "nearest", "periodic")


def lattice_view(x, lattice_shape=None):
    """Sees inputs as channels on a lattice.

    Args:
        x: `(n, ...)`. Without `lattice_shape`, `(n, length)` is a signal of one channel and everything else has its
            channels last.
        lattice_shape: tuple of m lengths; the rest of the entries are channels, counted last.

    Returns:
        `(n, *lattice_shape, channels)`.

    Raises:
        ValueError: the entries do not fill the lattice, or it has an axis shorter than 2.
    """
    shape = tuple(x.shape[1:])
    lattice = tuple(lattice_shape or (shape if len(shape) == 1 else shape[:-1]))
    if not lattice or min(lattice) < 2 or math.prod(shape) % math.prod(lattice):
        raise ValueError(
            f"Movement needs a lattice with at least 2 positions along each axis, and inputs that fill it; received "
            f"inputs of shape {shape} and lattice_shape={lattice_shape!r}."
        )
    return ops.reshape(x, (-1, *lattice, math.prod(shape) // math.prod(lattice)))


def along(axis, start, stop):
    """The index that takes `start:stop` along `axis`."""
    return (slice(None),) * axis + (slice(start, stop),)


def extend(images, axis, border):
    """Adds one position before and one behind the lattice along `axis`."""
    first, last = images[along(axis, 0, 1)], images[along(axis, -1, None)]
    if border == "zero":
        first, last = ops.zeros_like(first), ops.zeros_like(last)
    elif border == "periodic":
        first, last = last, first
    return ops.concatenate([first, images, last], axis=axis)


def spatial_gradient(images, border="zero"):
    """Central differences `(I_{p+1} − I_{p−1})/2` along every lattice axis.

    Args:
        images: `(n, *lattice, channels)`.
        border: what lies outside the lattice: `"zero"`, `"nearest"` (the border's value) or `"periodic"`.

    Returns:
        `(n, *lattice, channels, m)`.
    """
    gradients = []
    for axis in range(1, len(images.shape) - 1):
        extended = extend(images, axis, border)
        gradients.append((extended[along(axis, 2, None)] - extended[along(axis, 0, -2)]) / 2)
    return ops.stack(gradients, axis=-1)


def movement_scores(loss_gradient, image_gradient, basis):
    """The derivatives `s_k = Σ_p g_p (∇I_p · B_k(p))` of the loss along basis fields, summed over channels.

    Args:
        loss_gradient: g, `(n, *lattice, channels)`.
        image_gradient: ∇I, `(n, *lattice, channels, m)`.
        basis: `(num_fields, positions, m)`.

    Returns:
        `(n, num_fields)`.

    Source: VMT paper, equation 8.
    """
    pulls = ops.sum(ops.expand_dims(loss_gradient, -1) * image_gradient, axis=-2)
    flat_basis = ops.convert_to_tensor(basis.reshape(len(basis), -1).T, dtype=pulls.dtype)
    return ops.matmul(per_example.flatten(pulls), flat_basis)


def unit_gradient(gradient, normalization):
    """The loss gradient "as a unit tensor": divided by its norm per example, over the whole batch, or not at all.

    The norm is differentiated too.
    """
    if normalization == "none":
        return gradient
    squares = per_example.squared_norm(gradient)
    if normalization == "batch":
        return gradient / per_example.root(sum_over_replicas(ops.sum(squares)))
    return gradient / per_example.expand(per_example.root(squares), gradient)
