"""Inputs that are really moved, by bilinear interpolation."""

import numpy as np

from zoo.optional import require
from zoo.regularizers.math.movement import BORDERS, lattice_view
from zoo.regularizers.math.movement_fields import centered_coordinates
from zoo.validation import check_choice, check_number

MODES = dict(zip(BORDERS, ("grid-constant", "nearest", "grid-wrap"), strict=True))


def move(inputs, movements, *, border="nearest"):
    """`Ĩ_p = I_{p + V_p}`: every position takes the value that lay V_p from it.

    Args:
        inputs: `(n, ...)`, signals, images or volumes, as `lattice_view` sees them.
        movements: V, broadcastable to `(n, *lattice, m)`, in units of the lattice spacing.
        border: what lies outside the lattice: `"nearest"` (the border's value), `"zero"` or `"periodic"`.

    Returns:
        NumPy array of the shape of `inputs`, in floating point.

    Raises:
        ValueError: an unknown border, movements that do not fit.
        ImportError: SciPy is not installed.
    """
    mode = MODES[check_choice("border", border, BORDERS)]
    interpolate = require("scipy.ndimage", "Moving inputs", "report").map_coordinates
    inputs = np.asarray(inputs)
    inputs = inputs.astype("float32") if inputs.dtype.kind in "iub" else inputs
    images = np.asarray(lattice_view(inputs))
    lattice = images.shape[1:-1]
    movements = np.broadcast_to(movements, (len(images), *lattice, len(lattice)))
    positions, moved = np.indices(lattice), np.empty_like(images)
    for image, movement, result in zip(images, movements, moved, strict=True):
        taken_at = positions + np.moveaxis(movement, -1, 0)
        for channel in range(images.shape[-1]):
            interpolate(image[..., channel], taken_at, output=result[..., channel], order=1, mode=mode)
    return moved.reshape(inputs.shape)


def shift_movements(lattice, offsets):
    """The movements that shift each input by an offset: `(n, m)` to `(n, 1, ..., 1, m)`."""
    offsets = np.asarray(offsets)
    return offsets.reshape(len(offsets), *(1 for _ in lattice), len(lattice))


def scale_movements(lattice, factors):
    """The movements that enlarge each input about the center by a factor, `(n,)` above 0; `(n, *lattice, m)`."""
    stretch = 1 / np.asarray(factors) - 1
    return (stretch[:, None, None] * centered_coordinates(lattice)).reshape(len(stretch), *lattice, len(lattice))


def rotation_movements(lattice, angles):
    """The movements that rotate each image about the center, `(n,)` in degrees, from the first axis to the second.

    Returns:
        `(n, *lattice, 2)`.

    Raises:
        ValueError: the lattice is not two-dimensional.
    """
    if len(lattice) != 2:
        raise ValueError(f"Rotations need images, received a lattice of {len(lattice)} dimensions: {tuple(lattice)}.")
    radians = np.radians(angles)
    cosines, sines = np.cos(radians), np.sin(radians)
    backwards = np.moveaxis(np.array([[cosines, sines], [-sines, cosines]]), -1, 0)  # where a value came from
    moved = np.einsum("nij,pj->npi", backwards - np.eye(2), centered_coordinates(lattice))
    return moved.reshape(len(radians), *lattice, 2)


def randomly_moved(inputs, kind, size, seed, *, border="nearest"):
    """Inputs moved at random.

    Args:
        inputs: `(n, ...)`.
        kind: `"shift"`: along each axis by `U(−size, size)` positions; `"rotation"`: by `U(−size, size)` degrees;
            `"scale"`: by a factor `(1 + size)^u`, `u ~ U(−1, 1)`.
        size: at least 0.
        seed: integer: the same one draws the same movements, whatever is to be moved.
        border: as for `move`.

    Returns:
        NumPy array of the shape of `inputs`.

    Raises:
        ValueError: an unknown kind, a negative size, rotation of what is no image.
    """
    check_number("size", size, 0)
    lattice = tuple(lattice_view(inputs[:1]).shape[1:-1])
    draws = np.random.default_rng(seed).uniform(-1, 1, (len(inputs), len(lattice)))
    movements = {
        "shift": lambda: shift_movements(lattice, size * draws),
        "rotation": lambda: rotation_movements(lattice, size * draws[:, 0]),
        "scale": lambda: scale_movements(lattice, (1 + size) ** draws[:, 0]),
    }
    return move(inputs, movements[check_choice("movement", kind, movements)](), border=border)
