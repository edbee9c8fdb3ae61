"""Batches of a labeled and an unlabeled set: their two streams, their shards, and what is refused."""

import keras
import numpy as np
import pytest

from zoo.datasets import SemiSupervised

X = np.arange(23, dtype="float32")[:, None] * np.ones(4, "float32")
Y = np.arange(23, dtype="int32")
U = np.arange(100, 160, dtype="float32")[:, None] * np.ones(4, "float32")


def equal(a, b):
    leaves = zip(keras.tree.flatten(a), keras.tree.flatten(b), strict=True)
    return all(np.array_equal(p, q) for p, q in leaves)


def labels_of(batches):
    return np.concatenate([y for _, y in batches])


def semi_supervised(**options):
    return SemiSupervised(X, Y, U, **{"batch_size": 5, "unlabeled_batch_size": 8, **options})


def test_the_two_streams():
    data = semi_supervised()
    assert len(data) == len(U) // 8
    for inputs, y in data:
        assert np.array_equal(inputs["labeled"][:, 0], y)
        assert inputs["unlabeled"].shape == (8, 4) and inputs["unlabeled"].min() >= U.min()
    unlabeled = np.concatenate([inputs["unlabeled"][:, 0] for inputs, _ in data])
    assert len(set(unlabeled)) == 8 * len(data)


def test_labeled_set_repeats_in_fresh_permutations():
    labels = labels_of(semi_supervised(steps_per_epoch=23))
    rounds = labels.reshape(5, 23)
    assert all(sorted(r) == Y.tolist() for r in rounds)
    assert len({tuple(r) for r in rounds}) == 5


def test_streams_are_not_in_step():
    data = SemiSupervised(X, Y, X, batch_size=5, unlabeled_batch_size=5)
    assert not all(equal(inputs["labeled"], inputs["unlabeled"]) for inputs, _ in data)


def test_shards_put_together_are_the_whole_batches():
    """Of labeled and unlabeled inputs alike, in every epoch."""
    whole = SemiSupervised(X, Y, U, batch_size=4, unlabeled_batch_size=8)
    parts = [SemiSupervised(X, Y, U, batch_size=4, unlabeled_batch_size=8).shard(i, 2) for i in range(2)]
    for epoch in range(2):
        for dataset in (whole, *parts):
            dataset.epoch = epoch
        for batch, *shares in zip(whole, *parts, strict=True):
            assert equal(batch, keras.tree.map_structure(lambda *rows: np.concatenate(rows), *shares))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: semi_supervised(batch_size=24), ValueError, "batch_size must be .* at most 23, received 24"),
        (lambda: semi_supervised(unlabeled_batch_size=61), ValueError, "unlabeled_batch_size must be .* at most 60"),
        (lambda: semi_supervised(seed=0.5), TypeError, "seed must be an integer, received 0.5"),
        (lambda: SemiSupervised(X, Y, U[:, :3], batch_size=5), ValueError, r"received \(3,\)"),
        (lambda: SemiSupervised(X, Y, U.astype("uint8"), batch_size=5), ValueError, "uint8"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_dictionaries_are_read_by_the_same_rows():
    named = SemiSupervised({"a": X, "b": -X[:, 0]}, Y, {"b": -U[:, 0], "a": U}, batch_size=5, unlabeled_batch_size=8)
    for (inputs, labels), (expected, y) in zip(named, semi_supervised(), strict=True):
        np.testing.assert_array_equal(labels, y)
        for kind in ("labeled", "unlabeled"):
            np.testing.assert_array_equal(inputs[kind]["a"], expected[kind])
            np.testing.assert_array_equal(inputs[kind]["b"], -expected[kind][:, 0])
    assert named.num_bytes == Y.nbytes + sum(each.nbytes for each in (X, X[:, 0], U, U[:, 0]))


@pytest.mark.parametrize(
    "unlabeled, message",
    [
        ({"a": U}, r"must have the inputs of x, \['a', 'b'\], received \['a'\]"),
        ({"a": U, "b": U}, "must be like x for the input 'b'"),
        ({"a": U, "b": U[1:, 0]}, rf"same length, received {{'a': {len(U)}, 'b': {len(U) - 1}}}"),
        (U, "must have the inputs of x"),
    ],
)
def test_unlabeled_dictionaries_are_like_the_labeled_ones(unlabeled, message):
    with pytest.raises(ValueError, match=message):
        SemiSupervised({"a": X, "b": X[:, 0]}, Y, unlabeled)
