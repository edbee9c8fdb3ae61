"""Virtual movement training against real movements and against the closed forms of the paper."""

import itertools

import keras
import numpy as np
import pytest
import scipy.linalg
from keras import ops

from zoo.regularizers import MovementField, VirtualMovementTraining, virtual_movement_training
from zoo.regularizers.math.field_bases import centered_coordinates, orthonormal_basis
from zoo.regularizers.math.movement import spatial_gradient
from zoo.regularizers.math.movement_fields import get_field

LATTICES = [((17,), 1), ((7, 7), 1), ((5, 8), 2), ((4, 5, 6), 1)]
FIELDS = ["shift", "rotation", "scale", "affine", {"name": "smooth", "num_cosines": 3}]
CASES = [case for case in itertools.product(FIELDS, LATTICES) if case[0] != "rotation" or len(case[1][0]) > 1]
# On JAX, Keras takes means in single precision.
RTOL = 1e-6


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture
def check_movements(quadratics, images_pass):
    def check(field, lattice, channels):
        images = quadratics(lattice, channels)
        clean = images_pass(images)
        for basis, scores in VirtualMovementTraining(field).scores(clean):
            expected = np.stack([images.derivative(movements) for movements in basis], axis=-1)
            np.testing.assert_allclose(values(scores), expected, rtol=1e-8, atol=1e-8)
        return images, clean

    return check


@pytest.mark.parametrize("field, images", CASES, ids=str)
def test_scores_are_derivatives_along_real_movements(check_movements, field, images):
    check_movements(field, *images)


@pytest.mark.parametrize(
    "wrong", [lambda i, border: spatial_gradient(i)[..., ::-1], lambda i, border: 2 * spatial_gradient(i)]
)
def test_scores_notice_a_wrong_image_gradient(check_movements, wrong, monkeypatch):
    monkeypatch.setattr(virtual_movement_training, "spatial_gradient", wrong)
    with pytest.raises(AssertionError):
        check_movements("affine", (5, 8), 2)


@pytest.fixture
def check_worst(quadratics, images_pass):
    """R is the largest derivative over normalized combinations: the dominant generalized eigenvalue of (s sᵀ, G)."""

    def check(field, lattice, channels):
        images, method = quadratics(lattice, channels), VirtualMovementTraining(field)
        clean = images_pass(images)
        fields = get_field(field).basis(lattice)
        scores = np.stack([images.derivative(movements) for movements in fields], axis=-1)
        gram = np.einsum("kpi,lpi->kl", fields, fields) / fields.shape[1]
        worst = np.sqrt([scipy.linalg.eigh(np.outer(s, s), gram, eigvals_only=True)[-1] for s in scores])
        np.testing.assert_allclose(values(method.penalty(clean)), worst.mean(), rtol=RTOL)
        return images, worst, fields, values(method.worst_movement(clean)[0])

    return check


@pytest.mark.parametrize("field, images", CASES, ids=str)
def test_worst_movement(check_worst, field, images):
    images, worst, fields, movements = check_worst(field, *images)
    movements = movements.reshape(images.num_examples, -1, len(images.lattice))
    np.testing.assert_allclose(np.mean(np.sum(movements**2, axis=-1), axis=1), 1, rtol=1e-9)
    np.testing.assert_allclose(images.derivative(movements), worst, rtol=1e-8)
    # No random combination has a larger derivative.
    coefficients = np.random.default_rng(8).normal(size=(100, len(fields)))
    for combination in np.einsum("ck,kpi->cpi", coefficients, fields):
        combination /= np.sqrt(np.mean(np.sum(combination**2, axis=-1)))
        assert (np.abs(images.derivative(combination)) <= worst * (1 + 1e-9)).all()


@pytest.mark.parametrize("broken", [lambda fields: fields, lambda fields: orthonormal_basis(fields[:1])])
def test_worst_movement_notices_a_wrong_family(check_worst, broken, monkeypatch):
    monkeypatch.setattr(virtual_movement_training, "orthonormal_basis", broken)
    with pytest.raises(AssertionError):
        check_worst("affine", (7, 7), 1)


@pytest.mark.parametrize("lattice, channels", LATTICES[1:3])
def test_closed_forms_of_the_paper(quadratics, images_pass, lattice, channels):
    images = quadratics(lattice, channels)
    x, g = images.inputs, images.g.reshape(images.num_examples, *lattice, -1)
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    d1, d2 = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2, (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    p1 = (np.arange(lattice[0]) - (lattice[0] - 1) / 2)[:, None, None]
    p2 = (np.arange(lattice[1]) - (lattice[1] - 1) / 2)[None, :, None]

    def total(array):
        return np.sum(array, axis=(1, 2, 3))

    expected = {
        "shift": np.hypot(total(g * d1), total(g * d2)),
        "rotation": np.abs(total(g * (-p2 * d1 + p1 * d2))) / np.sqrt(np.mean(p1**2 + p2**2)),
        "scale": np.sqrt(total(g * p1 * d1) ** 2 / np.mean(p1**2) + total(g * p2 * d2) ** 2 / np.mean(p2**2)),
    }
    penalties = {name: values(VirtualMovementTraining(name).penalty(images_pass(images))) for name in expected}
    for name in expected:
        np.testing.assert_allclose(penalties[name], expected[name].mean(), rtol=RTOL)
    assert len({round(float(penalty), 3) for penalty in penalties.values()}) == 3


def test_all_is_a_fresh_convex_combination(quadratics, images_pass):
    clean = images_pass(quadratics((5, 8), 2))
    parts = [values(VirtualMovementTraining(name).penalty(clean)) for name in ("shift", "rotation", "scale")]
    drawn = [float(values(VirtualMovementTraining("all").penalty(clean))) for _ in range(5)]
    assert min(parts) < min(drawn) and max(drawn) < max(parts)
    assert len(set(drawn)) == 5


class Shear(MovementField):
    name = "shear"

    def basis(self, lattice_shape):
        p = centered_coordinates(lattice_shape)
        return np.stack([p[:, 1], np.zeros(len(p))], axis=-1)[None]


def test_field_of_ones_own(quadratics, images_pass):
    images, method = quadratics((5, 8), 2), VirtualMovementTraining(Shear())
    shear = Shear().basis((5, 8))[0]
    expected = np.abs(images.derivative(shear)) / np.sqrt(np.mean(np.sum(shear**2, axis=-1)))
    np.testing.assert_allclose(values(method.penalty(images_pass(images))), expected.mean(), rtol=RTOL)
    assert method.metric_name == "vmt_shear"


def test_signals_do_not_rotate(quadratics, images_pass):
    clean = images_pass(quadratics((17,), 1))
    with pytest.raises(ValueError, match=r"lattice \(17,\) has no movement of the kind 'rotation'"):
        VirtualMovementTraining("rotation").penalty(clean)
    assert np.isfinite(values(VirtualMovementTraining("all").penalty(clean)))


def test_arguments():
    with pytest.raises(ValueError, match="Did you mean 'scale'.*'all'"):
        VirtualMovementTraining("scal")
    with pytest.raises(ValueError, match="Did you mean 'periodic'"):
        VirtualMovementTraining("shift", border="period")
    with pytest.raises(ValueError, match="Did you mean 'example'"):
        VirtualMovementTraining("shift", normalization="examples")
    assert VirtualMovementTraining("all").metric_name == "vmt_all"
    assert VirtualMovementTraining({"name": "smooth", "num_cosines": 2}).metric_name == "vmt_smooth"
    assert keras.saving.get_registered_name(VirtualMovementTraining) == "zoo>VirtualMovementTraining"
