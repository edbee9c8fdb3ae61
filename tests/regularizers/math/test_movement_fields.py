"""Movement fields on lattices of one, two and three dimensions."""

import numpy as np
import pytest

from zoo.regularizers import Affine, MovementField, Rotation, Scale, Shift, Smooth
from zoo.regularizers.math.field_bases import centered_coordinates, orthonormal_basis
from zoo.regularizers.math.movement_fields import FIELDS, get_field

LATTICES = [(17,), (7, 7), (5, 8), (4, 5, 6)]


@pytest.mark.parametrize("lattice", LATTICES)
def test_number_of_basis_fields(lattice):
    m = len(lattice)
    counts = {"shift": m, "rotation": m * (m - 1) // 2, "scale": m, "affine": m * (m + 1), "smooth": m * 3**m}
    for name, count in counts.items():
        field = Smooth(3) if name == "smooth" else FIELDS[name]()
        assert field.name == name
        basis = field.basis(lattice)
        assert basis.shape == (count, np.prod(lattice), m)
        # No field is a combination of the others.
        assert len(orthonormal_basis(basis)) == count


@pytest.mark.parametrize("lattice", LATTICES)
def test_closed_forms_of_the_fields(lattice):
    p = centered_coordinates(lattice)
    m = len(lattice)
    for axis, (shift, scale) in enumerate(zip(Shift().basis(lattice), Scale().basis(lattice), strict=True)):
        np.testing.assert_array_equal(shift, np.tile(np.eye(m)[axis], (len(p), 1)))
        np.testing.assert_array_equal(scale, p * np.eye(m)[axis])
    for field in Rotation().basis(lattice):
        # To first order a rotation keeps the distance to the center. Its curl is constant.
        np.testing.assert_allclose(np.sum(field * p, axis=-1), 0)
    if m == 2:
        np.testing.assert_array_equal(Rotation().basis(lattice)[0], np.stack([-p[:, 1], p[:, 0]], axis=-1))


@pytest.mark.parametrize("lattice", LATTICES)
def test_affine_holds_shift_rotation_and_scale(lattice):
    affine = Affine().basis(lattice)
    for member in (Shift(), Rotation(), Scale()):
        together = np.concatenate([affine, member.basis(lattice)])
        assert len(orthonormal_basis(together)) == len(affine)
    assert len(orthonormal_basis(np.concatenate([affine, Smooth(2).basis(lattice)]))) > len(affine)


@pytest.mark.parametrize("lattice", LATTICES)
def test_smooth_fields_are_products_of_cosines(lattice):
    basis = Smooth(3).basis(lattice).reshape(-1, len(lattice), *lattice, len(lattice))
    axes = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in lattice], indexing="ij")
    for number, fields in enumerate(basis):
        frequencies = np.unravel_index(number, (3,) * len(lattice))
        wave = np.prod([np.cos(np.pi * i * t) for i, t in zip(frequencies, axes, strict=True)], axis=0)
        for axis, field in enumerate(fields):
            np.testing.assert_allclose(field[..., axis], wave, atol=1e-12)
            assert not np.delete(field, axis, axis=-1).any()
    np.testing.assert_array_equal(Smooth(1).basis(lattice), Shift().basis(lattice))


def test_more_cosines_than_positions():
    with pytest.raises(ValueError, match="num_cosines must be at least 1 and at most 5, received 6"):
        Smooth(6).basis((8, 5))
    with pytest.raises(ValueError, match="num_cosines must be at least 1"):
        Smooth(0)


def test_get_field():
    assert isinstance(get_field("affine"), Affine)
    assert get_field({"name": "smooth", "num_cosines": 3}).num_cosines == 3
    own = MovementField()
    assert get_field(own) is own
    assert repr(get_field("smooth")) == "Smooth(num_cosines=4)"


@pytest.mark.parametrize(
    "field, message",
    [
        ("rotate", "Unknown movement field 'rotate'. Did you mean 'rotation'"),
        ("all", "Unknown movement field 'all'"),
        ({"name": "smoth"}, "Did you mean 'smooth'"),
        ({"name": "smooth", "num_cosine": 3}, "option of the smooth field 'num_cosine'. Did you mean 'num_cosines'"),
        ({"num_cosines": 3}, "Unknown movement field None"),
        ({"name": "all"}, "Unknown movement field 'all'"),
        ({"name": "shift", "size": 3}, "option of the shift field 'size'"),
    ],
)
def test_unknown_names(field, message):
    with pytest.raises(ValueError, match=message):
        get_field(field)


def test_no_field():
    with pytest.raises(TypeError, match="received 3"):
        get_field(3)
    with pytest.raises(NotImplementedError):
        MovementField().basis((3,))
