"""The range of perturbed inputs."""

import numpy as np
import pytest
from keras import ops

from zoo.regularizers.math.input_range import check_input_range, clip_to_range


def test_no_range():
    x = ops.convert_to_tensor(np.array([-5.0, 5.0]))
    assert check_input_range(None) is None
    assert clip_to_range(x, None) is x


@pytest.mark.parametrize("given", [(-1, 2), [-1, 2], np.array([-1.0, 2.0])])
def test_clipping(given):
    limits = check_input_range(given)
    assert limits == (-1.0, 2.0)
    x = np.linspace(-3, 3, 13)
    np.testing.assert_array_equal(ops.convert_to_numpy(clip_to_range(ops.convert_to_tensor(x), limits)), x.clip(-1, 2))


@pytest.mark.parametrize("given", [(1, 0), (1, 1), (0,), (0, 1, 2), 3, "ab", (None, 1), (float("nan"), 1)])
def test_no_increasing_pair(given):
    with pytest.raises(ValueError, match="increasing pair"):
        check_input_range(given)
