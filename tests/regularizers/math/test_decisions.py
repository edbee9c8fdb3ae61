"""Decisions compared with labels."""

import numpy as np
import pytest
from keras import ops

from zoo.regularizers.math.decisions import share_misclassified


@pytest.mark.parametrize("number", [41, 47, 55])
def test_all_decisions_wrong_is_exactly_one(number):
    """1/n rounded to single precision, times n, is below 1 for these numbers."""
    logits = -np.ones((2, number), "float32")
    labels = np.ones((2, number), "int32")
    labels[1, 0] = 0
    shares = ops.convert_to_numpy(share_misclassified(logits, labels, "bernoulli"))
    assert shares[0] == 1
    assert shares[1] == pytest.approx(1 - 1 / number)
    classes = np.stack([logits, -logits], axis=-1)  # of each position
    shares = ops.convert_to_numpy(share_misclassified(classes, 1 - labels, "categorical"))
    assert shares[0] == 1 and shares[1] < 1


def test_positions_that_do_not_count():
    logits = np.array([[[2.0, 1.0], [1.0, 2.0]]] * 3)
    labels = np.array([[1, -1], [1, 1], [-1, -1]])
    np.testing.assert_allclose(share_misclassified(logits, labels, "categorical"), [1, 0.5, 0])
    units = np.array([[[0, 1], [-1, -1]]] * 3)
    np.testing.assert_allclose(share_misclassified(logits - 1.5, units, "bernoulli"), 1)
