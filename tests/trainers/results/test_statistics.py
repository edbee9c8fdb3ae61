"""Means, spreads and paired differences over seeds."""

import numpy as np
import pytest
import scipy.stats

from trainers.results import statistics
from trainers.results.statistics import as_difference, as_mean_and_spread, mean_and_spread, paired_difference


def test_mean_and_sample_standard_deviation():
    values = [0.6, 0.8, 1.3]
    assert mean_and_spread(values) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert mean_and_spread([2.0]) == (2.0, 0.0)
    assert as_mean_and_spread(iter(values)) == "0.90 ± 0.36" and as_mean_and_spread([2.0]) == "2.00"


def test_paired_difference_over_common_seeds():
    first, second = {0: 0.7, 1: 0.9, 2: 0.6, 5: 9.0}, {2: 1.0, 1: 1.1, 0: 1.2, 7: 0.0}
    differences = np.array([0.7 - 1.2, 0.9 - 1.1, 0.6 - 1.0])
    error = differences.std(ddof=1) / np.sqrt(3)
    mean, interval, p = paired_difference(first, second)
    half = scipy.stats.t.ppf(0.975, 2) * error
    np.testing.assert_allclose([mean, *interval], [differences.mean(), *(differences.mean() + np.array([-half, half]))])
    assert p == pytest.approx(2 * scipy.stats.t.sf(abs(differences.mean() / error), 2))


def test_one_common_seed_and_equal_differences_have_no_interval():
    assert paired_difference({0: 1.0, 1: 2.0}, {2: 1.0}) is None
    assert paired_difference({0: 1.0, 1: 2.0}, {1: 1.5}) == (0.5, None, None)
    assert paired_difference({0: 1.5, 1: 2.5}, {0: 1.0, 1: 2.0}) == (0.5, None, None)


def test_without_scipy_there_is_no_interval(monkeypatch):
    monkeypatch.setattr(statistics, "is_installed", lambda module: False)
    assert paired_difference({0: 1.0, 1: 2.0}, {0: 1.0, 1: 1.0}) == (0.5, None, None)


def test_differences_as_text():
    assert as_difference(None) == "–"
    assert as_difference((0.5, None, None)) == "+0.50"
    assert as_difference((-0.125, (-0.5, 0.25), 0.0312)) == "-0.12 [-0.50, +0.25], p = 0.031"
