"""Any arrays into `fit` and into batches: training, or an error in words before it."""

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import strategies as st

import zoo

SHAPES = [(), (0,), (6,), (0, 4), (6, 4), (5, 4), (6, 3), (6, 4, 1), (1, 4), (6, 0), (6, 1), (6, 3, 2)]
DTYPES = ["float32", "float64", "float16", "int32", "uint8", "int64", "bool", "complex64", "object", "U3", "M8[s]"]
FILLS = [0, 1, 2, 3, -1, 255, np.nan, np.inf, 1e300]


def make(shape, dtype, fill, rng):
    """An array of random numbers, with one special entry."""
    values = rng.integers(0, 3, shape).astype("float64")
    if values.size:
        values.flat[0] = fill
    with np.errstate(all="ignore"):
        if dtype == "M8[s]":
            return np.zeros(shape, dtype)
        return values.astype(dtype)


ARRAYS = st.builds(
    make,
    st.sampled_from(SHAPES),
    st.sampled_from(DTYPES),
    st.sampled_from(FILLS),
    st.integers(0, 3).map(np.random.default_rng),
)


def small_model():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model = zoo.RegularizedModel(network, zoo.VirtualAdversarialTraining(0.1), seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
    return model


@pytest.mark.filterwarnings("ignore")
@hypothesis.given(ARRAYS, ARRAYS)
def test_fit_trains_or_says_why_not(x, y):
    model = small_model()
    try:
        model.fit(x, y, batch_size=3, epochs=1, verbose=0)
    except (ValueError, TypeError) as error:
        assert str(error)
    else:
        assert x.shape[1:] in {(4,), (4, 1)} and len(x) == len(y) and np.all(np.isfinite(x.astype("float64")))
        assert y.dtype.kind in "iu" and y.min() >= 0 and y.max() < 3


@hypothesis.given(ARRAYS, ARRAYS, ARRAYS, st.integers(-1, 8), st.integers(-1, 8))
def test_batches_are_made_or_refused(x, y, x_unlabeled, batch_size, unlabeled_batch_size):
    for make_batches in (
        lambda: zoo.datasets.Batches(x, y, batch_size),
        lambda: zoo.datasets.SemiSupervised(
            x, y, x_unlabeled, batch_size=batch_size, unlabeled_batch_size=unlabeled_batch_size
        ),
    ):
        try:
            batches = make_batches()
        except (ValueError, TypeError) as error:
            assert str(error)
        else:
            assert len(batches) > 0 and len(batches[0][1]) > 0
