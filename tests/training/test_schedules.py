"""Linear decay at its corners and in an optimizer."""

import keras
import numpy as np
import pytest

from zoo.training import LinearDecay


@pytest.mark.parametrize("start", [0.0, 0.5, 1.0])
def test_constant_then_linear_to_zero(start):
    schedule = LinearDecay(0.2, decay_steps=10, decay_start=start)
    rates = [float(schedule(step)) for step in range(12)]
    expected = [0.2 * min(1.0, max(0.0, 10 - step) / max(10 * (1 - start), 1.0)) for step in range(12)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6, atol=1e-9)
    assert rates[0] == pytest.approx(0.2) and rates[10] == 0.0


def test_round_trip_within_an_optimizer():
    optimizer = keras.optimizers.Adam(LinearDecay(0.1, 7, 0.5))
    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert restored.get_config() == optimizer.get_config()


def test_bad_numbers():
    with pytest.raises(ValueError, match="decay_start must be at least 0 and at most 1, received 2"):
        LinearDecay(0.1, 7, 2)
