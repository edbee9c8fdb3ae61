"""Batches of a labeled set: what an epoch covers, and what is refused."""

import keras
import numpy as np
import pytest

from zoo.datasets import Batches

X = np.arange(23, dtype="float32")[:, None] * np.ones(4, "float32")
Y = np.arange(23, dtype="int32")


def labels_of(batches):
    return np.concatenate([y for _, y in batches])


def test_rows_of_x_and_y_belong_together():
    for x, y in Batches(X, Y, 5):
        assert np.array_equal(x[:, 0], y)


def test_an_epoch_is_full_batches_of_distinct_examples():
    batches = Batches(X, Y, 5)
    assert len(batches) == 4 and all(len(y) == 5 for _, y in batches)
    assert len(set(labels_of(batches))) == 20


def test_left_out_examples_differ_between_epochs():
    batches, seen = Batches(X, Y, 5), []
    for _ in range(12):
        seen.append(frozenset(labels_of(batches)))
        batches.epoch += 1
    assert len(set(seen)) > 1 and frozenset.union(*seen) == set(Y)


def test_a_small_set_is_one_batch():
    batches = Batches(X, Y, 100)
    assert len(batches) == 1 and sorted(labels_of(batches)) == Y.tolist()


def test_more_steps_than_one_permutation():
    batches = Batches(X, Y, 5, steps_per_epoch=23)
    assert len(batches) == 23
    assert np.bincount(labels_of(batches)).tolist() == [5] * 23


def test_resumed_fit_is_gradient_descent_on_the_resumed_epochs():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(23, 4)).astype("float32"), rng.normal(size=(23, 1)).astype("float32")
    rate, weights = 0.1, np.zeros((4, 1))
    reference, resumed = Batches(x, y, 5), Batches(x, y, 5)
    resumed.epoch = 2
    for reference.epoch in (2, 3):
        for x_batch, y_batch in reference:
            weights -= rate * 2 / 5 * x_batch.T @ (x_batch @ weights - y_batch)
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(rate), "mse")
    model.fit(resumed, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.weights[0].value), weights, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Batches(X, Y[:-1]), ValueError, "received 23 and 22"),
        (lambda: Batches(X[:0], Y[:0]), ValueError, "at least 1"),
        (lambda: Batches(X, Y, 0), ValueError, "batch_size must be at least 1"),
        (lambda: Batches(X, Y, seed=-1), ValueError, "seed must be at least 0, received -1"),
        (lambda: Batches(X, Y, seed="0"), TypeError, "seed must be an integer, received '0'"),
        (lambda: Batches(X, Y, steps_per_epoch=0), ValueError, "steps_per_epoch"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_dictionaries_are_read_by_the_same_rows():
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    batches, named = Batches(x, y, 4), Batches({"a": x, "b": x[:, 0]}, y, 4)
    for (inputs, labels), (expected, same) in zip(named, batches, strict=True):
        np.testing.assert_array_equal(labels, same)
        np.testing.assert_array_equal(inputs["a"], expected)
        np.testing.assert_array_equal(inputs["b"], expected[:, 0])
    with pytest.raises(ValueError, match="same length, at least 1, received 10, 9 and 10"):
        Batches({"a": x, "b": x[1:, 0]}, y)


def test_labels_of_several_outputs_are_refused():
    with pytest.raises(TypeError, match="labels of one output, received a dictionary of 'cls', 'box'"):
        Batches(X, {"cls": Y, "box": Y}, 5)
