"""Calibration against its definition, written as loops, and in simple cases."""

import numpy as np
import pytest

from zoo.analysis import reliability


def by_definition(probabilities, labels, num_bins):
    """`Σ_m |B_m|/n·|acc(B_m) − conf(B_m)|` over the bins `((m − 1)/M, m/M]`."""
    total = 0.0
    for m in range(1, num_bins + 1):
        rows = [i for i, p in enumerate(probabilities) if (m - 1) / num_bins < max(p) <= m / num_bins]
        if rows:
            confidence = np.mean([max(probabilities[i]) for i in rows])
            accuracy = np.mean([np.argmax(probabilities[i]) == labels[i] for i in rows])
            total += len(rows) / len(labels) * abs(accuracy - confidence)
    return total


@pytest.mark.parametrize("num_bins", [1, 4, 15])
def test_definition(rng, num_bins):
    probabilities, labels = rng.dirichlet([0.5] * 4, size=300), rng.integers(0, 4, 300)
    found = reliability(probabilities, labels, num_bins)
    assert found.calibration_error == pytest.approx(by_definition(probabilities, labels, num_bins), rel=1e-12)
    assert found.counts.sum() == 300 and len(found.edges) == num_bins + 1
    filled = found.counts > 0
    inside = (found.edges[:-1] < found.confidences) & (found.confidences <= found.edges[1:])
    assert np.all(inside[filled]) and np.all(np.isnan(found.accuracies[~filled]))


def test_calibrated_and_overconfident_predictions(rng):
    confidences = rng.uniform(0.5, 1, 40000)
    probabilities = np.stack([confidences, 1 - confidences], axis=1)
    labels = (rng.uniform(size=40000) > confidences).astype(int)
    assert reliability(probabilities, labels).calibration_error < 0.02
    overconfident = np.stack([1 - (1 - confidences) / 10, (1 - confidences) / 10], axis=1)
    expected = np.mean(overconfident[:, 0] - confidences)
    assert reliability(overconfident, labels).calibration_error == pytest.approx(expected, abs=0.02)


def test_an_edge_belongs_to_the_bin_below():
    found = reliability([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]], [0, 1, 0], num_bins=4)
    np.testing.assert_array_equal(found.counts, [0, 1, 1, 1])
    np.testing.assert_array_equal(found.accuracies[1:], [1, 0, 1])
    assert found.calibration_error == pytest.approx((0.5 + 0.75 + 0.0) / 3)


@pytest.mark.parametrize(
    "probabilities, labels, message",
    [
        ([[0.5, 0.5]], [0, 1], "received 1 predictions and 2 labels"),
        (np.zeros((0, 2)), [], "received 0 predictions and 0 labels"),
        ([[0.5, 0.5], [2.0, -1.0]], [0, 1], r"must be at least 0 and add up to 1, received \[2.0, -1.0\]"),
        ([[3.0, 1.0]], [0], r"received \[3.0, 1.0\]"),
        ([[np.nan, np.nan]], [0], r"received \[nan, nan\]"),
    ],
)
def test_bad_input(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        reliability(probabilities, labels)
    with pytest.raises(ValueError, match="num_bins must be at least 1, received 0"):
        reliability([[1.0, 0.0]], [0], 0)
