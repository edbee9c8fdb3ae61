"""The mean in the precision of its values."""

import numpy as np
import pytest
from keras import ops

from zoo.backend.moments import mean


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
def test_double_precision_stays(axis):
    values = np.random.default_rng(0).uniform(size=(3, 4, 5))
    found = ops.convert_to_numpy(mean(ops.convert_to_tensor(values), axis=axis))
    assert found.dtype == "float64"
    np.testing.assert_allclose(found, values.mean(axis=axis), rtol=1e-14)


def test_half_precision_does_not_overflow():
    values = ops.convert_to_tensor(np.full(100, 6e4), "float16")  # their sum is above the largest number
    assert float(mean(values)) == pytest.approx(6e4, rel=1e-3)
