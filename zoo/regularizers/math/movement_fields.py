"""Movement fields: how the lattice on which an input lives may be moved.

A field is a free combination `V = Σ_k c_k B_k` of basis fields; every basis field gives each lattice position p a
vector in R^m, for an m-dimensional lattice. Everything here is NumPy in float64 and runs once per lattice shape.
"""

import itertools
import math
from collections.abc import Mapping

import keras
import numpy as np

from zoo.validation import check_choice, check_number, check_options


def centered_coordinates(lattice_shape):
    """The coordinates `p − c` of all positions, `(positions, m)`, in units of the lattice spacing."""
    axes = [np.arange(length) - (length - 1) / 2 for length in lattice_shape]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)


def along_axes(functions, num_axes):
    """One basis field for every scalar function on the lattice and every axis along which it may move.

    Args:
        functions: list of `(positions,)`.
        num_axes: m.

    Returns:
        `(len(functions)·m, positions, m)`.
    """
    return np.stack([f[:, None] * np.eye(num_axes)[axis] for f in functions for axis in range(num_axes)])


class MovementField:
    """A family of movement fields on lattices of any shape.

    Subclass it for a field of your own: implement `basis`, register the class with Keras, and pass an instance to
    `VirtualMovementTraining`.
    """

    name = "field"

    def basis(self, lattice_shape):
        """The basis fields on a lattice.

        Args:
            lattice_shape: tuple of m lengths.

        Returns:
            `(num_fields, positions, m)`, positions in row-major order; `num_fields` may be 0 where the lattice has no
            such movement.
        """
        raise NotImplementedError

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


@keras.saving.register_keras_serializable(package="zoo")
class Shift(MovementField):
    """All positions move by one vector (VMT paper, equation 11)."""

    name = "shift"

    def basis(self, lattice_shape):
        return along_axes([np.ones(math.prod(lattice_shape))], len(lattice_shape))


@keras.saving.register_keras_serializable(package="zoo")
class Rotation(MovementField):
    """Rotation about the center (VMT paper, equation 14); on m-dimensional lattices about any plane, none for m = 1."""

    name = "rotation"

    def basis(self, lattice_shape):
        p = centered_coordinates(lattice_shape)
        num_axes = len(lattice_shape)
        planes = list(itertools.combinations(range(num_axes), 2))
        fields = np.zeros((len(planes), len(p), num_axes))
        for field, (i, j) in zip(fields, planes, strict=True):
            field[:, i], field[:, j] = -p[:, j], p[:, i]
        return fields


@keras.saving.register_keras_serializable(package="zoo")
class Scale(MovementField):
    """Scaling about the center by a factor of its own along each axis (VMT paper, equation 15)."""

    name = "scale"

    def basis(self, lattice_shape):
        p = centered_coordinates(lattice_shape)
        return np.stack([p * axis for axis in np.eye(len(lattice_shape))])


@keras.saving.register_keras_serializable(package="zoo")
class Affine(MovementField):
    """Any affine movement: shift, rotation, scale and shear at once; `m(m + 1)` basis fields, six on images."""

    name = "affine"

    def basis(self, lattice_shape):
        p = centered_coordinates(lattice_shape)
        return along_axes([np.ones(len(p)), *p.T], len(lattice_shape))


@keras.saving.register_keras_serializable(package="zoo")
class Smooth(MovementField):
    """Smooth deformations: along each axis the first `num_cosines` cosines per lattice dimension, and their products.

    The cosines are those of the discrete cosine transform, `cos(π·i·(p + ½)/length)`, the constant included:
    `m·num_cosines^m` basis fields.

    Args:
        num_cosines: cosines per lattice dimension, at least 1 (which is `Shift`); at most the shortest length.
    """

    name = "smooth"

    def __init__(self, num_cosines=4):
        self.num_cosines = check_number("num_cosines", num_cosines, 1, integer=True)

    def basis(self, lattice_shape):
        check_number("num_cosines", self.num_cosines, 1, min(lattice_shape), integer=True)
        frequencies = np.arange(self.num_cosines)
        waves = [np.cos(np.pi * frequencies[:, None] * (np.arange(n) + 0.5) / n) for n in lattice_shape]
        products = [
            math.prod(np.ix_(*factors)).ravel() for factors in itertools.product(*waves)
        ]  # one array per combination of a cosine along each axis
        return along_axes(products, len(lattice_shape))

    def get_config(self):
        return {"num_cosines": self.num_cosines}


FIELDS = {field.name: field for field in (Shift, Rotation, Scale, Affine, Smooth)}


def get_field(field):
    """Returns the `MovementField` that a name, a mapping with a `"name"` and arguments, or an instance stands for.

    Raises:
        TypeError: it is none of these.
        ValueError: an unknown name, with the nearest one.
    """
    if isinstance(field, MovementField):
        return field
    options = {"name": field} if isinstance(field, str) else dict(field) if isinstance(field, Mapping) else None
    if options is None:
        raise TypeError(f"A movement field is a name, a mapping or a MovementField, received {field!r}.")
    name = check_choice("movement field", options.pop("name", None), FIELDS)
    check_options(f"the {name} field", options, FIELDS[name])
    return FIELDS[name](**options)


def orthonormal_basis(fields):
    """Basis fields with the same span and the Gram matrix `mean_p B_k(p)·B_l(p) = δ_kl`.

    With it the largest `|∂L/∂ε|` over normalized combinations, `sqrt(sᵀ G⁻¹ s)`, is the norm of the scores.

    Args:
        fields: `(num_fields, positions, m)`.

    Returns:
        `(rank, positions, m)`, where linearly dependent fields count once.
    """
    num_fields, num_positions, num_axes = fields.shape
    flat = fields.reshape(num_fields, num_positions * num_axes)
    _, sizes, directions = np.linalg.svd(flat, full_matrices=False)
    rank = int(np.sum(sizes > 1e-10 * sizes.max(initial=0)))
    return (directions[:rank] * math.sqrt(num_positions)).reshape(rank, *fields.shape[1:])
