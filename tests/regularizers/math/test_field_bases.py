"""Bases of movement fields on lattices of one, two and three dimensions."""

import numpy as np
import pytest

from zoo.regularizers import Affine, Scale, Shift, Smooth
from zoo.regularizers.math.field_bases import centered_coordinates, orthonormal_basis

LATTICES = [(17,), (7, 7), (5, 8), (4, 5, 6)]


def gram(fields):
    return np.einsum("kpi,lpi->kl", fields, fields) / fields.shape[1]


def test_centered_coordinates():
    coordinates = centered_coordinates((2, 3))
    expected = [(-0.5, -1), (-0.5, 0), (-0.5, 1), (0.5, -1), (0.5, 0), (0.5, 1)]
    np.testing.assert_array_equal(coordinates, expected)


@pytest.mark.parametrize("lattice", LATTICES)
@pytest.mark.parametrize("field", [Shift(), Scale(), Affine(), Smooth(3)], ids=lambda field: field.name)
def test_orthonormal_basis(lattice, field):
    fields = field.basis(lattice)
    basis = orthonormal_basis(fields)
    np.testing.assert_allclose(gram(basis), np.eye(len(basis)), atol=1e-12)
    # The span is the same, because projection to it keeps every field. The original fields are not normalized.
    coefficients = np.einsum("kpi,lpi->kl", fields, basis) / fields.shape[1]
    np.testing.assert_allclose(np.einsum("kl,lpi->kpi", coefficients, basis), fields, atol=1e-10)
    assert field.name in ("shift",) or not np.allclose(gram(fields), np.eye(len(fields)))


def test_dependent_fields_count_once():
    fields = Affine().basis((5, 5))
    doubled = orthonormal_basis(np.concatenate([fields, 3 * fields[:2] - fields[2:4]]))
    assert len(doubled) == len(fields)
    assert orthonormal_basis(np.zeros((0, 5, 1))).shape == (0, 5, 1)
    assert orthonormal_basis(np.zeros((2, 5, 1))).shape == (0, 5, 1)
