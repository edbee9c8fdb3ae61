"""Contrast normalization against its closed form."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.layers import PerImageContrastNormalization

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3)).astype("uint8")


def closed_form(x, scale):
    flat = x.reshape(len(x), -1).astype("float64")
    centered = flat - flat.mean(1, keepdims=True)
    return (scale * centered / np.linalg.norm(centered, axis=1, keepdims=True)).reshape(x.shape)


def apply(layer, x):
    return ops.convert_to_numpy(layer(x))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_closed_form(dtype):
    x = IMAGES.astype(dtype)
    np.testing.assert_allclose(apply(PerImageContrastNormalization(7.0), x), closed_form(x, 7.0), atol=1e-5)


def test_signals():
    x = np.random.default_rng(1).normal(size=(3, 100)).astype("float32")
    np.testing.assert_allclose(apply(PerImageContrastNormalization(), x), closed_form(x, 55.0), atol=1e-4)


def test_examples_do_not_see_each_other():
    layer = PerImageContrastNormalization()
    np.testing.assert_allclose(apply(layer, IMAGES)[2:3], apply(layer, IMAGES[2:3]), rtol=1e-5, atol=1e-5)


def test_brightness_and_contrast_are_removed():
    layer, x = PerImageContrastNormalization(), IMAGES.astype("float32")
    np.testing.assert_allclose(apply(layer, 0.01 * x + 3), apply(layer, x), atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 255.0, 1e4])
def test_constant_image_becomes_zero(value):
    x = np.full((2, 32, 32, 3), value, "float32")
    assert not np.any(apply(PerImageContrastNormalization(), x))


def test_faint_contrast_is_not_taken_for_constant():
    x = np.full((1, 32, 32, 3), 255, "uint8")
    x[0, 0, 0, 0] = 254
    np.testing.assert_allclose(np.linalg.norm(apply(PerImageContrastNormalization(), x)), 55, rtol=1e-4)


def test_derivative_of_a_constant_image_is_finite():
    layer = PerImageContrastNormalization()
    x = np.concatenate([np.full((1, 5, 4, 3), 0.5), IMAGES[:1] / 255]).astype("float32")
    at_x = linearize(lambda x: (layer(x), ()), ops.convert_to_tensor(x))
    gradient = ops.convert_to_numpy(at_x.vjp(ops.ones_like(at_x.outputs) * ops.convert_to_tensor(x)))
    assert np.all(np.isfinite(gradient)) and np.any(gradient[1])


def test_half_precision_computes_in_single():
    layer = PerImageContrastNormalization(dtype="mixed_float16")
    y = apply(layer, IMAGES)
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, closed_form(IMAGES, 55.0), rtol=1e-3, atol=1e-3)


def test_save_and_load(tmp_path):
    model = keras.Sequential([keras.Input((5, 4, 3)), PerImageContrastNormalization(7.0)])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].scale == 7.0
    np.testing.assert_array_equal(apply(loaded, IMAGES), apply(model, IMAGES))


@pytest.mark.parametrize("scale", [0, -1.0])
def test_scale_is_positive(scale):
    with pytest.raises(ValueError, match="scale must be above 0"):
        PerImageContrastNormalization(scale)
