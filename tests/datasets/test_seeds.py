"""The contract of `seed` in every draw: an integer repeats it, a generator moves on, None takes Python's `random`."""

import keras
import numpy as np
import pytest

from zoo import datasets

LABELS = np.arange(200) % 2
X = np.arange(40.0)[:, None]
HALF = {"batch_size": 20, "unlabeled_batch_size": 20}
DRAWS = {
    "load": lambda seed: datasets.load("synthetic", seed=seed).x_train,
    "synthetic_sines": lambda seed: datasets.synthetic_sines(seed)[0],
    "two_moons": lambda seed: datasets.two_moons(40, seed=seed)[0],
    "balanced_subset": lambda seed: datasets.balanced_subset(LABELS, 40, seed),
    "hold_out": lambda seed: datasets.hold_out(LABELS, 41, seed)[1],
    "bootstrap": lambda seed: datasets.bootstrap(200, seed),
    "batches": lambda seed: datasets.Batches(X, X, seed=seed)[0][0],
    "semi_supervised": lambda seed: datasets.SemiSupervised(X, X, X, seed=seed, **HALF)[0][0]["unlabeled"],
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_every_kind_of_seed(draw):
    for make in (lambda: 3, lambda: keras.random.SeedGenerator(3)):
        np.testing.assert_array_equal(draw(make()), draw(make()))
    generator = keras.random.SeedGenerator(3)
    assert np.any(draw(generator) != draw(generator))
    keras.utils.set_random_seed(1)
    first, second = draw(None), draw(None)
    assert np.any(first != second)
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(draw(None), first)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (0.5, TypeError), ("0", TypeError), (True, TypeError)])
def test_other_seeds_are_refused(draw, seed, error):
    with pytest.raises(error, match=f"seed must be .*, received {seed!r}"):
        draw(seed)
