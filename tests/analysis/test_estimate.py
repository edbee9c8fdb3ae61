"""Means and their standard errors."""

import numpy as np
import pytest
import scipy.stats

from zoo.analysis import Estimate


def test_mean_and_standard_error(rng):
    samples = rng.normal(size=(7, 4))
    for axis in (0, 1):
        estimate = Estimate.of(samples, axis)
        np.testing.assert_allclose(estimate.mean, samples.mean(axis), rtol=1e-12)
        np.testing.assert_allclose(estimate.standard_error, scipy.stats.sem(samples, axis), rtol=1e-12)
        assert estimate.number == samples.shape[axis]


def test_standard_error_of_a_share():
    estimate = Estimate.of([True] * 3 + [False] * 9)
    assert estimate.mean == 0.25
    assert estimate.standard_error == pytest.approx(np.sqrt(0.25 * 0.75 / 11))


def test_difference_and_scaling(rng):
    a, b = Estimate.of(rng.normal(size=2000)), Estimate.of(rng.normal(3.0, 2.0, size=1000)).scaled(-1)
    difference = a.difference(b)
    assert difference.standard_error == pytest.approx(np.sqrt(1 / 2000 + 4 / 1000), rel=0.1)
    assert difference.mean == a.mean - b.mean and difference.number == 1000
    assert b.standard_error > 0


def test_too_few_samples():
    assert np.isnan(Estimate.of([2.0]).standard_error) and Estimate.of([2.0]).mean == 2.0
    with pytest.raises(ValueError, match="at least one sample"):
        Estimate.of([])
