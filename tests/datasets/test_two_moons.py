"""Two moons: on their circles without noise, balanced, seeded."""

import keras
import numpy as np
import pytest

from zoo.datasets import two_moons

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="NumPy alone")


def test_points_lie_on_their_half_circles():
    x, y = two_moons(200, noise_std=0.0)
    np.testing.assert_allclose(np.linalg.norm(x[y == 0], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(x[y == 1] - [1, 0.5], axis=1), 1, atol=1e-6)
    assert x[y == 0, 1].min() >= -1e-6 and x[y == 1, 1].max() <= 0.5 + 1e-6
    assert np.bincount(y).tolist() == [100, 100] and 0 < y[:100].sum() < 100


def test_noise_and_seed():
    clean, _ = two_moons(4000, noise_std=0.0, seed=3)
    noisy, _labels = two_moons(4000, noise_std=0.2, seed=3)
    assert np.std(noisy - clean) == pytest.approx(0.2, rel=0.05)
    np.testing.assert_array_equal(noisy, two_moons(4000, noise_std=0.2, seed=3)[0])
    assert not np.array_equal(noisy, two_moons(4000, noise_std=0.2, seed=4)[0])


@pytest.mark.parametrize("arguments", [(3,), (0,), (4, {"noise_std": -1})])
def test_bad_arguments_are_refused(arguments):
    number, *options = arguments
    with pytest.raises(ValueError, match=r"received (3|0|-1)"):
        two_moons(number, **(options[0] if options else {}))
