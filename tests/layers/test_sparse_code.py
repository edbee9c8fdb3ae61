"""Sparse codes against an exhaustive search over all supports in float64."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from zoo.layers import SparseCode


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(40, 5)) @ rng.normal(size=(5, 5)) + rng.normal(size=5)).astype("float32")


def adapted(x, num_nonzero):
    layer = SparseCode(num_nonzero)
    layer.adapt(x)
    return layer


def best_error(target, dictionary, num_nonzero):
    """The smallest `‖target − W·h‖²` over all codes with that many entries, by least squares on each support."""
    supports = itertools.combinations(range(dictionary.shape[1]), num_nonzero)
    return min(
        np.square(target - part @ np.linalg.lstsq(part, target, rcond=None)[0]).sum()
        for part in (dictionary[:, support] for support in supports)
    )


@pytest.mark.parametrize("num_nonzero", [1, 2, 4])
def test_no_code_of_as_many_entries_is_closer(x, num_nonzero):
    layer = adapted(x, num_nonzero)
    axes, mean = (np.asarray(ops.convert_to_numpy(v), "float64") for v in (layer.matrix, layer.mean))
    codes = ops.convert_to_numpy(layer(x))
    assert ((codes != 0).sum(-1) == num_nonzero).all()
    for example, code in zip(x - mean, codes, strict=True):
        error = np.square(example - axes @ code).sum()
        np.testing.assert_allclose(error, best_error(example, axes, num_nonzero), rtol=1e-4, atol=1e-6)


def test_axes_are_those_of_the_singular_value_decomposition(x):
    matrix = ops.convert_to_numpy(adapted(x, 5).matrix)
    rows = np.linalg.svd(x.astype("float64") - x.mean(0))[2]  # largest variance first
    np.testing.assert_allclose(np.abs(rows @ matrix), np.eye(5), atol=1e-4)


def test_all_entries_reconstruct_the_example(x):
    layer = adapted(x, 50)
    codes, axes, mean = (ops.convert_to_numpy(v) for v in (layer(x), layer.matrix, layer.mean))
    np.testing.assert_allclose(codes @ axes.T + mean, x, atol=1e-4)


def test_images_become_flat_codes(x):
    images = x.reshape(-1, 5, 1, 1)
    layer = adapted(images, 2)
    assert layer(images).shape == (40, 5) and layer.compute_output_shape((None, 5, 1, 1)) == (None, 5)
    assert layer.compute_output_spec(keras.KerasTensor((None, 5, 1, 1))).shape == (None, 5)


def test_save_and_load(x, tmp_path):
    model = keras.Sequential([keras.Input((5,)), adapted(x, 2)])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))


@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (1.5, TypeError), ("2", TypeError)])
def test_refused(value, error):
    with pytest.raises(error, match="num_nonzero"):
        SparseCode(value)
