"""Moved inputs against NumPy's rolls and rotations and SciPy's transforms."""

import numpy as np
import pytest
import scipy.ndimage

from zoo.analysis import move, randomly_moved
from zoo.analysis.moved_inputs import rotation_movements, scale_movements, shift_movements


@pytest.fixture
def images(rng):
    return rng.normal(size=(2, 9, 9, 3))


@pytest.mark.parametrize("border, mode", [("zero", "constant"), ("nearest", "edge"), ("periodic", "wrap")])
def test_whole_shifts_and_borders(images, border, mode):
    padded = np.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)], mode=mode)
    moved = move(images, np.array([1.0, -2.0]), border=border)
    np.testing.assert_allclose(moved, padded[:, 3:12, 0:9], rtol=1e-12)


def test_between_positions_it_is_bilinear(rng):
    signals = rng.normal(size=(2, 7))
    moved = move(signals, np.full((1, 1, 1), 0.25), border="periodic")
    np.testing.assert_allclose(moved, 0.75 * signals + 0.25 * np.roll(signals, -1, axis=1), rtol=1e-12)
    past_the_border = move(signals, np.array([0.25]), border="zero")[:, -1]
    np.testing.assert_allclose(past_the_border, 0.75 * signals[:, -1], rtol=1e-12)


def test_positions_move_by_vectors_of_their_own(rng):
    signal = rng.normal(size=(1, 5))
    movements = np.array([4.0, 2, 0, -2, -4]).reshape(5, 1)
    np.testing.assert_allclose(move(signal, movements), signal[:, ::-1], rtol=1e-12)


def test_movements_of_each_example(images):
    offsets = [[1.0, 0.0], [0.0, 2.0]]
    moved = move(images, shift_movements((9, 9), offsets))
    for image, offset, result in zip(images, offsets, moved, strict=True):
        expected = scipy.ndimage.shift(image, [*(-o for o in offset), 0], order=1, mode="nearest")
        np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("angle", [90.0, -90.0, 20.0])
def test_rotations(images, angle):
    moved = move(images, rotation_movements((9, 9), [angle, angle]), border="zero")
    expected = scipy.ndimage.rotate(images, angle, axes=(2, 1), reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(moved, expected, atol=1e-10)
    assert angle != 90 or np.allclose(moved, np.rot90(images, axes=(1, 2)))


def test_scaling_of_a_ramp():
    ramp = np.arange(11.0)[None] - 5
    moved = move(ramp, scale_movements((11,), [2.0]))
    np.testing.assert_allclose(moved, ramp / 2, atol=1e-12)  # at twice the size every slope is halved


def test_integer_images_become_floats():
    image = np.array([[0, 255]], "uint8")
    np.testing.assert_array_equal(move(image, np.array([0.5])), np.array([[127.5, 255]], "float32"))


@pytest.mark.parametrize("kind, largest", [("shift", 2.0), ("rotation", 30.0), ("scale", 0.3)])
def test_random_movements(images, kind, largest):
    x = np.repeat(images, 20, axis=0)
    first, again, other = (randomly_moved(x, kind, largest, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.all(np.any(first != other, axis=(1, 2, 3)))
    assert np.all(np.any(first[1:20] != first[:1], axis=(1, 2, 3)))  # each input has its own movement
    np.testing.assert_allclose(randomly_moved(x, kind, 0.0, 0), x, atol=1e-12)


def test_random_shifts_stay_within_their_size():
    ramp = np.broadcast_to(np.arange(41.0), (500, 41))
    offsets = randomly_moved(ramp, "shift", 3.0, 0)[:, 20] - 20
    assert np.abs(offsets).max() <= 3 and np.abs(offsets).max() > 2.9
    assert abs(offsets.mean()) < 4 * 3 / np.sqrt(3 * 500)
    slopes = np.diff(randomly_moved(ramp, "scale", 0.25, 0), axis=1)[:, 20]
    assert slopes.min() >= 1 / 1.25 and slopes.max() <= 1.25 and slopes.max() / slopes.min() > 1.5


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("shfit", 1.0, 0), "Did you mean 'shift'"),
        (("shift", -1.0, 0), "size must be at least 0, received -1.0"),
        (("rotation", 5.0, 0), "Rotations need images, received a lattice of 1 dimensions"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        randomly_moved(np.zeros((2, 8)), *arguments)


def test_unknown_border():
    with pytest.raises(ValueError, match="Unknown border 'zeros'. Did you mean 'zero'"):
        move(np.zeros((1, 8)), np.zeros(1), border="zeros")
