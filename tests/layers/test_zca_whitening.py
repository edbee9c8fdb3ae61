"""ZCA whitening against the direct formula in float64."""

import keras
import numpy as np
import pytest
import scipy.linalg
from keras import ops

from zoo.layers import PerImageContrastNormalization, ZCAWhitening
from zoo.layers.adapted_projection import CHUNK

FILTER_BIAS = 0.1


@pytest.fixture(scope="module")
def x():
    """Correlated inputs with a mean; more than one chunk of them, and not a whole number of chunks."""
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(2 * CHUNK + 300, 12)) @ rng.normal(size=(12, 12)) + rng.normal(size=12)
    return flat.reshape(-1, 2, 2, 3).astype("float32")


def flattened(x):
    return np.asarray(x, "float64").reshape(len(x), -1)


def direct(x, filter_bias=FILTER_BIAS):
    """(x − μ)(C + bI)^{−1/2} by SciPy's matrix square root."""
    flat = flattened(x)
    covariance = np.cov(flat.T, bias=True)
    root = scipy.linalg.sqrtm(covariance + filter_bias * np.eye(len(covariance)))
    return (flat - flat.mean(0)) @ np.linalg.inv(root)


def adapted(x, **options):
    layer = ZCAWhitening(FILTER_BIAS, **options)
    layer.adapt(x)
    return layer


def apply(layer, x):
    return ops.convert_to_numpy(layer(x))


def test_direct_formula(x):
    np.testing.assert_allclose(flattened(apply(adapted(x), x)), direct(x), atol=1e-4)


def test_covariance_becomes_that_of_the_shrunk_eigenvalues(x):
    covariance = np.cov(flattened(x).T, bias=True)
    expected = covariance @ np.linalg.inv(covariance + FILTER_BIAS * np.eye(12))
    whitened = np.cov(flattened(apply(adapted(x), x)).T, bias=True)
    np.testing.assert_allclose(whitened, expected, atol=1e-4)
    assert np.abs(covariance - expected).max() > 1  # the check sees inputs that are not whitened


def test_zca_stays_closest_to_the_input(x):
    """W is symmetric and positive: of all whitenings the one that turns nothing."""
    matrix = ops.convert_to_numpy(adapted(x).matrix)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_large_filter_bias_only_rescales(x):
    filter_bias = 1e8
    layer = ZCAWhitening(filter_bias)
    layer.adapt(x)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.matrix) * np.sqrt(filter_bias), np.eye(12), atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.mean), flattened(x).mean(0), rtol=1e-6)


def test_directions_without_variance_stay_finite():
    images = np.random.default_rng(1).integers(0, 256, (8, 5, 5, 1)).astype("uint8")  # 8 examples, 25 entries
    y = flattened(apply(adapted(images), images))
    np.testing.assert_allclose(y, direct(images), atol=1e-2)


def test_identity_before_adapt(x):
    np.testing.assert_array_equal(apply(ZCAWhitening(), x[:5]), x[:5])


def test_weights_are_not_trained(x):
    layer = adapted(x)
    assert not layer.trainable_weights and len(layer.non_trainable_weights) == 2


def test_half_precision_computes_in_single(x):
    y = apply(adapted(x, dtype="mixed_float16"), x[:50])
    assert y.dtype == np.float16
    np.testing.assert_allclose(flattened(y), direct(x)[:50], rtol=2e-3, atol=1e-3)


def pipeline(x):
    """Contrast normalization and whitening as one model, adapted layer by layer."""
    contrast, zca = PerImageContrastNormalization(), ZCAWhitening(FILTER_BIAS)
    zca.adapt(contrast(x))
    return keras.Sequential([keras.Input(x.shape[1:]), contrast, zca])


def test_save_and_load(x, tmp_path):
    model = pipeline(x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].filter_bias == FILTER_BIAS
    np.testing.assert_array_equal(apply(loaded, x[:9]), apply(model, x[:9]))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="SavedModels are written on TensorFlow")
def test_saved_model_returns_the_same(x, tmp_path):
    import tensorflow as tf

    model = pipeline(x)
    model.export(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_allclose(loaded.serve(x[:9]), apply(model, x[:9]), rtol=1e-5, atol=1e-5)


def test_refused(x):
    with pytest.raises(ValueError, match="filter_bias must be above 0"):
        ZCAWhitening(0.0)
    with pytest.raises(ValueError, match="at least 2 examples, received 1"):
        ZCAWhitening().adapt(x[:1])
    with pytest.raises(ValueError, match="shape"):
        adapted(x).adapt(x[:, :1])
