"""Images with their channels first: every measure that looks at their lattice is that of the same images transposed."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.analysis import (
    misclassified,
    misclassified_under_attack,
    move,
    randomly_moved,
    square,
    worst_movement_changes,
    worst_movements,
)
from zoo.analysis.attacks.layout import layout_of
from zoo.regularizers.math.movement_fields import FIELDS

RNG = np.random.default_rng(6)
LAST = RNG.normal(size=(8, 6, 7, 3)).astype("float32")
FIRST = np.moveaxis(LAST, -1, 1)
FORMAT = {"data_format": "channels_first"}


@pytest.fixture
def networks():
    """A network of images with channels last, and the same one of images with channels first."""
    flat = [layers.Flatten(data_format="channels_last"), layers.Dense(5, "tanh"), layers.Dense(3)]
    last = keras.Sequential([keras.Input((6, 7, 3)), *flat])
    first = keras.Sequential([keras.Input((3, 6, 7)), layers.Permute((2, 3, 1)), last])
    return last, first, ops.convert_to_numpy(last(LAST)).argmax(axis=-1)


@pytest.fixture(params=["argument", "keras"])
def options(request):
    """`data_format` as an argument, or as Keras's own setting."""
    if request.param == "argument":
        yield FORMAT
        return
    keras.config.set_image_data_format("channels_first")
    yield {}
    keras.config.set_image_data_format("channels_last")


def as_last(images):
    return np.moveaxis(ops.convert_to_numpy(images), 1, -1)


@pytest.mark.parametrize("kind", ["shift", "rotation", "scale"])
def test_random_movements(kind, options, networks):
    size = 20.0 if kind == "rotation" else 1.0
    expected = randomly_moved(LAST, kind, size, 0, data_format="channels_last")
    np.testing.assert_array_equal(as_last(randomly_moved(FIRST, kind, size, 0, **options)), expected)
    last, first, y = networks
    wrong = misclassified(last, expected, y)
    np.testing.assert_array_equal(misclassified_under_attack(first, FIRST, y, kind, size, **options), wrong)


def test_the_worst_movements(options, networks):
    last, first, y = networks
    other = {"data_format": "channels_last"}
    expected = worst_movement_changes(last, LAST, y, FIELDS, **other)
    found = worst_movement_changes(first, FIRST, y, FIELDS, **options)
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4)
    field = worst_movements(first, FIRST, y, "affine", **options)
    np.testing.assert_allclose(field, worst_movements(last, LAST, y, "affine", **other), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(as_last(move(FIRST, field, **options)), move(LAST, field, **other))


@pytest.mark.parametrize(
    "norm, num_queries", [("linf", 20), ("l2", 1)]
)  # L2 in windows of one pixel amplifies rounding
def test_square(norm, num_queries, networks):
    last, first, y = networks
    options = {"norm": norm, "num_queries": num_queries}
    expected = square(last, LAST, y, 0.5, 0, **options)
    found = as_last(square(first, FIRST, y, 0.5, 0, **options, **FORMAT))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found - LAST).max() > 0.01


def test_images_that_do_not_look_like_the_data_format_are_refused(networks):
    _, first, y = networks
    images = np.zeros((8, 3, 6, 7), "float32")
    calls = [
        lambda: move(images, 1.0),
        lambda: randomly_moved(images, "shift", 1.0, 0),
        lambda: worst_movement_changes(first, images, y),
        lambda: worst_movements(first, images, y, "shift"),
        lambda: misclassified_under_attack(first, images, y, "shift", 1.0),
        lambda: square(first, images, y, 0.5, norm="linf"),
        lambda: layout_of((3, 6, 7)),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"shape \(3, 6, 7\) have 7 channels.*Pass data_format='channels_first'"):
            call()
    with pytest.raises(ValueError, match="Unknown data_format 'first'. Did you mean 'channels_first'"):
        move(images, 1.0, data_format="first")
