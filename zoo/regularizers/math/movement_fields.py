"""Movement fields: the ways in which the lattice of an input may move. Each computes its basis once per shape."""

import functools
import itertools
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo.regularizers.math.field_bases import along_axes, centered_coordinates
from zoo.validation import check_choice, check_number, check_options


class MovementField:
    """A family of movement fields on lattices of any shape.

    To make a field of your own, subclass this class, implement `basis`, register the subclass with Keras and pass an
    instance to `VirtualMovementTraining`.

    Example:
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class Stretch(zoo.regularizers.MovementField):
        ...     name = "stretch"
        ...
        ...     def basis(self, lattice_shape):
        ...         (length,) = lattice_shape
        ...         return np.linspace(0.0, 1.0, length).reshape(1, length, 1)
        >>> zoo.VirtualMovementTraining(Stretch()).metric_name
        'vmt_stretch'
    """

    name = "field"

    def basis(self, lattice_shape: tuple[int, ...]) -> np.ndarray:
        """The basis fields on a lattice.

        Args:
            lattice_shape: m lengths.

        Returns:
            `(num_fields, positions, m)`, positions in row-major order. `num_fields` is 0 if the lattice has no such
            movement.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MovementField":
        """Makes the field from the result of `get_config`."""
        return cls(**config)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


@keras.saving.register_keras_serializable(package="zoo")
class Shift(MovementField):
    """All positions move by one vector: `V_p = v`.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equation 11.

    Example:
        >>> zoo.regularizers.Shift().basis((28, 28)).shape
        (2, 784, 2)
    """

    name = "shift"

    def basis(self, lattice_shape: tuple[int, ...]) -> np.ndarray:
        """One constant field along each axis."""
        return along_axes([np.ones(math.prod(lattice_shape))], len(lattice_shape))


@keras.saving.register_keras_serializable(package="zoo")
class Rotation(MovementField):
    """Rotation about the center, in every plane of two axes: `V_p = (−y, x)` at `p − c = (x, y)`.

    A signal has no rotation.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equation 14. Lattices of other than two dimensions are an addition.

    Example:
        >>> zoo.regularizers.Rotation().basis((28, 28)).shape
        (1, 784, 2)
    """

    name = "rotation"

    def basis(self, lattice_shape: tuple[int, ...]) -> np.ndarray:
        """One field for each pair of axes."""
        p = centered_coordinates(lattice_shape)
        num_axes = len(lattice_shape)
        planes = list(itertools.combinations(range(num_axes), 2))
        fields = np.zeros((len(planes), len(p), num_axes))
        for field, (i, j) in zip(fields, planes, strict=True):
            field[:, i], field[:, j] = -p[:, j], p[:, i]
        return fields


@keras.saving.register_keras_serializable(package="zoo")
class Scale(MovementField):
    """Change of scale about the center, by a separate factor along each axis: `V_p = (a·x, b·y)` at `p − c = (x, y)`.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equation 15.

    Example:
        >>> zoo.regularizers.Scale().basis((28, 28)).shape
        (2, 784, 2)
    """

    name = "scale"

    def basis(self, lattice_shape: tuple[int, ...]) -> np.ndarray:
        """One field along each axis."""
        p = centered_coordinates(lattice_shape)
        return np.stack([p * axis for axis in np.eye(len(lattice_shape))])


@keras.saving.register_keras_serializable(package="zoo")
class Affine(MovementField):
    """Any affine movement `V_p = A(p − c) + v`: shift, rotation, change of scale and shear together.

    It has `m(m + 1)` basis fields on a lattice with m axes: six on images.

    Example:
        >>> zoo.regularizers.Affine().basis((28, 28)).shape
        (6, 784, 2)
    """

    name = "affine"

    def basis(self, lattice_shape: tuple[int, ...]) -> np.ndarray:
        """The constant and every coordinate, along each axis."""
        p = centered_coordinates(lattice_shape)
        return along_axes([np.ones(len(p)), *p.T], len(lattice_shape))


@keras.saving.register_keras_serializable(package="zoo")
class Smooth(MovementField):
    """Smooth deformations: products of low-frequency cosines along the axes of the lattice.

    The cosines are those of the discrete cosine transform, `cos(π·i·(p + ½)/length)` with `i = 0 … num_cosines − 1`.
    There are `m·num_cosines^m` basis fields on a lattice with m axes.

    Args:
        num_cosines: cosines per axis, at least 1 (which equals `Shift`) and at most the shortest length.

    Raises:
        TypeError: `num_cosines` is not an integer.
        ValueError: `num_cosines` is below 1, or above the shortest length of the lattice (raised by `basis`).

    Example:
        >>> zoo.regularizers.Smooth(num_cosines=3).basis((28, 28)).shape
        (18, 784, 2)
    """

    name = "smooth"

    def __init__(self, num_cosines: int = 4):
        self.num_cosines = check_number("num_cosines", num_cosines, 1, integer=True)

    def basis(self, lattice_shape: tuple[int, ...]) -> np.ndarray:
        """Every product of a cosine per axis, along each axis."""
        check_number("num_cosines", self.num_cosines, 1, min(lattice_shape), integer=True)
        frequencies = np.arange(self.num_cosines)
        waves = [np.cos(np.pi * frequencies[:, None] * (np.arange(n) + 0.5) / n) for n in lattice_shape]
        choices = itertools.product(*waves)  # one cosine per axis
        products = [functools.reduce(np.multiply, np.ix_(*chosen)).ravel() for chosen in choices]
        return along_axes(products, len(lattice_shape))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"num_cosines": self.num_cosines}


FIELDS: dict[str, type[MovementField]] = {field.name: field for field in (Shift, Rotation, Scale, Affine, Smooth)}


def get_field(field: Any) -> MovementField:
    """Returns a `MovementField` from its description.

    Args:
        field: a name such as `"shift"`; a mapping with a `"name"` and arguments; or a `MovementField`.

    Returns:
        The field.

    Raises:
        TypeError: `field` is none of these.
        ValueError: an unknown name or argument, with the nearest one.

    Example:
        >>> from zoo.regularizers.math.movement_fields import get_field
        >>> get_field({"name": "smooth", "num_cosines": 6})
        Smooth(num_cosines=6)
    """
    if isinstance(field, MovementField):
        return field
    options: Any = {"name": field} if isinstance(field, str) else dict(field) if isinstance(field, Mapping) else None
    if options is None:
        raise TypeError(f"A movement field is a name, a mapping or a MovementField, received {field!r}.")
    name = check_choice("movement field", options.pop("name", None), FIELDS)
    check_options(f"the {name} field", options, FIELDS[name])
    return FIELDS[name](**options)
