"""Real movements of inputs, by multilinear interpolation."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo.backend.random_numbers import Seed, as_integer
from zoo.datasets.arrays import as_inputs
from zoo.optional import require
from zoo.regularizers.math.field_bases import centered_coordinates
from zoo.regularizers.math.movement import BORDERS, lattice_view, off_lattice
from zoo.validation import check_choice, check_number

MODES: dict[str, str] = dict(zip(BORDERS, ("grid-constant", "nearest", "grid-wrap"), strict=True))


def one_array(inputs: Any) -> np.ndarray:
    """One input as an array in floating point.

    Args:
        inputs: array, or nested lists of numbers.

    Raises:
        ValueError: there are several inputs.

    Example:
        >>> from zoo.analysis.moved_inputs import one_array
        >>> one_array([[0, 1]]).dtype
        dtype('float32')
    """
    if keras.tree.is_nested(inputs):
        inputs = as_inputs(inputs)
    if keras.tree.is_nested(inputs):
        raise ValueError(
            f"Movements take one array, received a {type(inputs).__name__} of {len(inputs)}. Move one of its entries; "
            "misclassified_under_attack(...) moves the one that the model perturbs."
        )
    inputs = np.asarray(inputs)
    return inputs.astype("float32") if inputs.dtype.kind in "iub" else inputs


def move(inputs: Any, movements: Any, *, border: str = "nearest", data_format: str | None = None) -> np.ndarray:
    """Moves inputs: `Ĩ_p = I_{p + V_p}`, so every position p takes the value at distance V_p.

    Args:
        inputs: I, `(n, ...)`: signals `(n, length)`, or images or volumes with channels.
        movements: V, broadcastable to `(n, *lattice, m)`, in units of the lattice spacing.
        border: values outside the lattice: `"nearest"` (the value at the border), `"zero"` or `"periodic"`.
        data_format: place of the channels: `"channels_last"` or `"channels_first"`. None takes Keras's
            `image_data_format()`, and refuses images that do not look like it.

    Returns:
        Moved inputs in floating point, in the shape of `inputs`.

    Raises:
        ValueError: an unknown border, movements that do not fit, several inputs, or a shape that contradicts the data
            format.
        ImportError: SciPy is not installed.

    Example:
        >>> zoo.analysis.move([[0.0, 1.0, 2.0, 3.0]], [0.5])
        array([[0.5, 1.5, 2.5, 3. ]])
    """
    mode = MODES[check_choice("border", border, BORDERS)]
    interpolate = require("scipy.ndimage", "Moving inputs", "report").map_coordinates
    inputs = one_array(inputs)
    images = np.asarray(lattice_view(inputs, None, data_format))
    lattice = images.shape[1:-1]
    movements = np.broadcast_to(movements, (len(images), *lattice, len(lattice)))
    positions, moved = np.indices(lattice), np.empty_like(images)
    for image, movement, result in zip(images, movements, moved, strict=True):
        taken_at = positions + np.moveaxis(movement, -1, 0)
        for channel in range(images.shape[-1]):
            interpolate(image[..., channel], taken_at, output=result[..., channel], order=1, mode=mode)
    return np.asarray(off_lattice(moved, inputs, data_format))


def shift_movements(lattice: Sequence[int], offsets: Any) -> np.ndarray:
    """The movements that shift each input by an offset.

    Args:
        lattice: lengths of the m axes.
        offsets: `(n, m)`, in units of the lattice spacing.

    Returns:
        `(n, 1, ..., 1, m)`.

    Example:
        >>> from zoo.analysis.moved_inputs import shift_movements
        >>> shift_movements((28, 28), [[1.0, 2.0]]).shape
        (1, 1, 1, 2)
    """
    offsets = np.asarray(offsets)
    return offsets.reshape(len(offsets), *(1 for _ in lattice), len(lattice))


def scale_movements(lattice: Sequence[int], factors: Any) -> np.ndarray:
    """The movements that enlarge each input about the center by a factor.

    Args:
        lattice: lengths of the m axes.
        factors: `(n,)`, above 0.

    Returns:
        `(n, *lattice, m)`.

    Example:
        >>> from zoo.analysis.moved_inputs import scale_movements
        >>> scale_movements((3,), [2.0]).ravel()
        array([ 0.5, -0. , -0.5])
    """
    stretch = 1 / np.asarray(factors) - 1
    return (stretch[:, None, None] * centered_coordinates(lattice)).reshape(len(stretch), *lattice, len(lattice))


def rotation_movements(lattice: Sequence[int], angles: Any) -> np.ndarray:
    """The movements that rotate each image about the center, from the first axis to the second.

    Args:
        lattice: lengths of the two axes.
        angles: `(n,)`, in degrees.

    Returns:
        `(n, *lattice, 2)`.

    Raises:
        ValueError: the lattice does not have two axes.

    Example:
        >>> from zoo.analysis.moved_inputs import rotation_movements
        >>> rotation_movements((28, 28), [30.0]).shape
        (1, 28, 28, 2)
    """
    if len(lattice) != 2:
        raise ValueError(f"Rotations need images, received a lattice of {len(lattice)} dimensions: {tuple(lattice)}.")
    radians = np.radians(angles)
    cosines, sines = np.cos(radians), np.sin(radians)
    backwards = np.moveaxis(np.array([[cosines, sines], [-sines, cosines]]), -1, 0)  # from a position to its source
    moved = np.einsum("nij,pj->npi", backwards - np.eye(2), centered_coordinates(lattice))
    return moved.reshape(len(radians), *lattice, 2)


def randomly_moved(
    inputs: Any,
    kind: str,
    size: float,
    seed: Seed = None,
    *,
    border: str = "nearest",
    data_format: str | None = None,
) -> np.ndarray:
    """Moves each input by a random movement.

    Args:
        inputs: `(n, ...)`, as for `move`.
        kind: `"shift"` moves by `U(−size, size)` positions along each axis, `"rotation"` by `U(−size, size)` degrees,
            `"scale"` by a factor `(1 + size)^u` with `u ~ U(−1, 1)`.
        size: size of the largest movement, at least 0.
        seed: integer, `keras.random.SeedGenerator` or None. The same integer draws the same movements for any inputs.
        border: values outside the lattice, as for `move`.
        data_format: place of the channels, as for `move`.

    Returns:
        Moved inputs in floating point, in the shape of `inputs`.

    Raises:
        TypeError: `size` is not a number.
        ValueError: an unknown kind or border, a negative size, a rotation of inputs that are not images, or a shape
            that contradicts the data format.
        ImportError: SciPy is not installed.

    Example:
        >>> images = np.random.default_rng(0).uniform(size=(10, 28, 28, 1))
        >>> zoo.analysis.randomly_moved(images, "rotation", 15.0, seed=0).shape
        (10, 28, 28, 1)
    """
    check_number("size", size, 0)
    inputs = one_array(inputs)
    lattice = tuple(lattice_view(inputs[:1], None, data_format).shape[1:-1])
    draws = np.random.default_rng(as_integer(seed)).uniform(-1, 1, (len(inputs), len(lattice)))
    movements = {
        "shift": lambda: shift_movements(lattice, size * draws),
        "rotation": lambda: rotation_movements(lattice, size * draws[:, 0]),
        "scale": lambda: scale_movements(lattice, (1 + size) ** draws[:, 0]),
    }
    chosen = movements[check_choice("movement", kind, movements)]()
    return move(inputs, chosen, border=border, data_format=data_format)
