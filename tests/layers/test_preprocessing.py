"""Preprocessing pipelines from data: what each step is fitted to, augmentation, and bad input."""

import keras
import numpy as np
import pytest

from zoo import recipes
from zoo.layers import build_preprocessing

X = np.random.default_rng(0).integers(0, 256, (300, 4, 4, 2)).astype("uint8")
RESCALING = {"name": "rescaling", "scale": 1 / 255}


def apply(preprocessing, x, training=False):
    return keras.ops.convert_to_numpy(preprocessing(x, training=training))


def test_a_step_is_fitted_to_what_the_earlier_ones_leave():
    out = apply(build_preprocessing([RESCALING, {"name": "zca_whitening", "filter_bias": 1e-6}], X), X)
    flat = out.reshape(len(X), -1)
    np.testing.assert_allclose(np.cov(flat.T, bias=True), np.eye(flat.shape[1]), atol=1e-3)


def test_given_statistics_are_kept():
    step = {"name": "normalization", "mean": 10.0, "variance": 4.0}
    np.testing.assert_allclose(apply(build_preprocessing([step], X), X), (X - 10.0) / 2, rtol=1e-5)


@pytest.mark.parametrize("name", ["4000_vat_augmented", "4000_vat_entmin_augmented"])
def test_augmented_recipes_move_whitened_images_by_whole_pixels(name):
    """Each channel of a moved image has the whitened one's values, but for those that left it, and zeros."""
    x = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3)).astype("uint8")
    whitening, *augmentation = recipes.get(f"cifar10_conv_large-{name}").preprocessing[1:]
    assert whitening["name"] == "zca_whitening"
    normalization = {"name": "normalization"}  # in place of whitening, which takes long at this size
    preprocessing = build_preprocessing([RESCALING, normalization, *augmentation], x)
    clean, moved = apply(preprocessing, x), apply(preprocessing, x, training=True)
    shifts = set()
    for before, after in zip(clean, moved, strict=True):
        left, right = (np.pad(each, ((2, 2), (2, 2), (0, 0))) for each in (before, before[:, ::-1]))
        places = [(i, j, each) for i in range(5) for j in range(5) for each in (left, right)]
        fits = [(i, j) for i, j, each in places if np.allclose(each[i : i + 32, j : j + 32], after, atol=1e-5)]
        assert len(fits) == 1
        shifts.update(fits)
    assert len(shifts) > 8


@pytest.mark.parametrize(
    "steps, error, message",
    [
        (["rescaling"], TypeError, "A preprocessing step must be .*received 'rescaling'"),
        ([{"name": "rescalling"}], ValueError, "Did you mean 'rescaling'"),
        ([{"name": "rescaling"}], ValueError, "rescaling lacks scale"),
        ([{"name": "rescaling", "scal": 1.0}], ValueError, "Did you mean 'scale'"),
    ],
)
def test_bad_input(steps, error, message):
    with pytest.raises(error, match=message):
        build_preprocessing(steps, X)
