"""Bases of movement fields, in NumPy and float64.

A field is a free combination `V = Σ_k c_k B_k` of basis fields. Every basis field gives each lattice position p a
vector in R^m, on a lattice with m axes.
"""

import math
from collections.abc import Sequence

import numpy as np


def centered_coordinates(lattice_shape: Sequence[int]) -> np.ndarray:
    """The coordinates `p − c` of all positions relative to the center c of the lattice.

    Args:
        lattice_shape: m lengths.

    Returns:
        `(positions, m)`, positions in row-major order, in units of the lattice spacing.

    Example:
        >>> from zoo.regularizers.math.field_bases import centered_coordinates
        >>> centered_coordinates((3,)).ravel()
        array([-1.,  0.,  1.])
    """
    axes = [np.arange(length) - (length - 1) / 2 for length in lattice_shape]
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)


def along_axes(functions: Sequence[np.ndarray], num_axes: int) -> np.ndarray:
    """One basis field for every pair of a scalar function on the lattice and an axis of movement.

    Args:
        functions: arrays `(positions,)`.
        num_axes: m, number of axes of the lattice.

    Returns:
        `(len(functions)·m, positions, m)`.

    Example:
        >>> from zoo.regularizers.math.field_bases import along_axes
        >>> along_axes([np.ones(6)], 2).shape
        (2, 6, 2)
    """
    return np.stack([f[:, None] * np.eye(num_axes)[axis] for f in functions for axis in range(num_axes)])


def orthonormal_basis(fields: np.ndarray) -> np.ndarray:
    """Basis fields with the same span and with the Gram matrix `mean_p B_k(p)·B_l(p) = δ_kl`.

    With this basis the largest `|∂L/∂ε|` over normalized combinations, `sqrt(sᵀ G⁻¹ s)`, is the norm of the scores.

    Args:
        fields: `(num_fields, positions, m)`.

    Returns:
        `(rank, positions, m)`. Linearly dependent fields count once.

    Example:
        >>> from zoo.regularizers.math.field_bases import orthonormal_basis
        >>> basis = orthonormal_basis(zoo.regularizers.Affine().basis((5, 4)))
        >>> np.einsum("kpi,lpi->kl", basis, basis).round(9)[0, :2] / 20
        array([1., 0.])
    """
    num_fields, num_positions, num_axes = fields.shape
    flat = fields.reshape(num_fields, num_positions * num_axes)
    _, sizes, directions = np.linalg.svd(flat, full_matrices=False)
    rank = int(np.sum(sizes > 1e-10 * sizes.max(initial=0)))
    return (directions[:rank] * math.sqrt(num_positions)).reshape(rank, *fields.shape[1:])
