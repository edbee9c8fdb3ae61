"""What attacks maximize: closed forms, invariance, and gradients of confident predictions."""

import hypothesis
import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from keras import ops

from zoo.analysis.attacks.objectives import (
    ascent,
    cross_entropy,
    difference_of_logits_ratio,
    likeliest_others,
    margin,
    objective,
    targeted_difference_of_logits_ratio,
)

LOGITS = arrays.arrays("float64", (4, 5), elements=st.floats(-9, 9), unique=True)
LABELS, TARGETS = np.array([0, 1, 2, 3]), np.array([1, 4, 0, 2])


@hypothesis.given(LOGITS, st.floats(0.1, 10), st.floats(-5, 5))
def test_ratios_of_logits_do_not_change_with_scale_and_shift(logits, scale, shift):
    hypothesis.assume(np.diff(np.sort(logits, axis=-1)).min() > 1e-2)
    changed = scale * logits + shift
    for ratio in (difference_of_logits_ratio, lambda z, y: targeted_difference_of_logits_ratio(z, y, TARGETS)):
        np.testing.assert_allclose(ratio(changed, LABELS), ratio(logits, LABELS), rtol=1e-6, atol=1e-9)


@hypothesis.given(LOGITS)
def test_closed_forms(logits):
    hypothesis.assume(np.diff(np.sort(logits, axis=-1)).min() > 1e-2)
    rows, ordered = np.arange(4), -np.sort(-logits, axis=-1)
    others = np.where(np.eye(5, dtype=bool)[LABELS], -np.inf, logits).max(axis=-1)
    own = logits[rows, LABELS]
    np.testing.assert_allclose(margin(logits, LABELS), others - own, rtol=1e-6, atol=1e-6)
    expected = (others - own) / (ordered[:, 0] - ordered[:, 2])
    np.testing.assert_allclose(difference_of_logits_ratio(logits, LABELS), expected, rtol=1e-6, atol=1e-6)
    expected = (logits[rows, TARGETS] - own) / (ordered[:, 0] - ordered[:, 2:4].mean(axis=-1))
    found = targeted_difference_of_logits_ratio(logits, LABELS, TARGETS)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    expected = np.log(np.exp(logits).sum(axis=-1)) - own
    np.testing.assert_allclose(cross_entropy(logits, LABELS), expected, rtol=1e-5, atol=1e-5)


def test_the_ratio_is_above_0_exactly_if_misclassified(rng):
    logits, labels = rng.normal(size=(50, 4)), rng.integers(0, 4, 50)
    ratio = ops.convert_to_numpy(difference_of_logits_ratio(logits, labels))
    np.testing.assert_array_equal(ratio > 0, logits.argmax(axis=-1) != labels)


@pytest.mark.parametrize("num_classes, targeted", [(2, False), (2, True), (3, True)])
def test_too_few_classes_leave_the_numerator(num_classes, targeted, rng):
    logits, labels = rng.normal(size=(9, num_classes)), np.zeros(9, int)
    targets = likeliest_others(logits, labels)[:, 0]
    found = objective("dlr", num_classes, targeted)(logits, labels, targets)
    np.testing.assert_allclose(found, margin(logits, labels), rtol=1e-6)


def test_targets_are_ordered_by_likelihood(rng):
    logits, labels = rng.normal(size=(20, 6)), rng.integers(0, 6, 20)
    others = likeliest_others(logits, labels)
    assert all(set(row) == set(range(6)) - {label} for row, label in zip(others, labels, strict=True))
    assert np.all(np.diff(np.take_along_axis(logits, others, axis=1)) <= 0)


def test_confident_predictions_keep_their_gradient():
    x = ops.convert_to_tensor(np.array([[200.0, 0.0, -1.0]], "float32"))
    _, _, gradient = ascent(lambda x: x * 1.0, lambda z: cross_entropy(z, np.array([1])), x)
    gradient = ops.convert_to_numpy(gradient)[0]
    assert gradient[0] > 0.5 and gradient[1] < -0.5
    _, _, gradient = ascent(lambda x: x * 1.0, lambda z: cross_entropy(z, np.array([0])), ops.cast(x, "float64") / 2)
    gradient = ops.convert_to_numpy(gradient)[0]
    assert gradient[1] > 0 and np.linalg.norm(gradient) == pytest.approx(1.0)
