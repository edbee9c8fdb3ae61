"""Inputs of any structure in batches, and compiled functions of them."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.analysis import predict_logits
from zoo.analysis.batches import compiled, map_batches
from zoo.datasets.arrays import as_inputs


def test_compiled_functions_follow_the_weights_and_keep_the_state(rng):
    middle = [keras.layers.Dense(6), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    noisy = keras.Sequential([keras.Input((4,)), *middle, keras.layers.Dense(3)])
    noisy.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in noisy.get_weights()])
    x = rng.normal(size=(5, 4)).astype("float32")
    logits = compiled(lambda x: predict_logits(noisy, x), noisy)
    for scale in (1.0, 2.0):
        weights = [scale * value for value in noisy.get_weights()]
        noisy.set_weights(weights)
        np.testing.assert_allclose(logits(x), predict_logits(noisy, x), rtol=1e-5)
        for a, b in zip(weights, noisy.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_batches_are_joined_in_order(rng):
    a, b = rng.normal(size=(7, 3)), np.arange(7)
    result = map_batches(lambda a, b: {"double": 2 * a, "pair": (b, ops.convert_to_tensor(a))}, a, b, batch_size=3)
    np.testing.assert_array_equal(result["double"], 2 * a)
    np.testing.assert_array_equal(result["pair"][0], b)
    np.testing.assert_array_equal(result["pair"][1], a)


@pytest.mark.parametrize("lengths", [(0, 0), (3, 2)])
def test_unsuitable_arrays(lengths):
    with pytest.raises(ValueError, match=r"at least 1, received \[" + ", ".join(map(str, lengths))):
        map_batches(lambda a, b: a, *(np.zeros(n) for n in lengths))


@pytest.mark.parametrize("batch_size", [0, -3, 2.5])
def test_unsuitable_sizes_of_batches(batch_size):
    with pytest.raises((ValueError, TypeError), match=f"batch_size must be .*received {batch_size}"):
        map_batches(lambda x: x, np.zeros(4), batch_size=batch_size)


def test_several_inputs_are_cut_alike(rng):
    x = {"a": rng.normal(size=(7, 3)), "b": [rng.normal(size=7), ops.convert_to_tensor(np.arange(7))]}
    seen = []

    def function(x, y):
        seen.append(len(y))
        return x["a"][:, 0] + x["b"][0] + keras.ops.convert_to_numpy(x["b"][1])

    found = map_batches(function, x, np.arange(7), batch_size=3)
    np.testing.assert_array_equal(found, x["a"][:, 0] + x["b"][0] + np.arange(7))
    assert seen == [3, 3, 1]
    with pytest.raises(ValueError, match=r"at least 1, received \[7, 7, 6\]"):
        map_batches(lambda x: x, {"a": np.zeros(7), "b": [np.zeros(7), np.zeros(6)]})


def test_lists_of_numbers_are_one_array_and_lists_of_arrays_several():
    assert as_inputs([[1, 2], [3, 4]]).shape == (2, 2)
    assert as_inputs([0.5, True]).shape == (2,)
    assert [each.shape for each in as_inputs((np.ones((2, 3)), [np.ones(2)])[:1])] == [(2, 3)]
