"""Rank correlations: agreement with SciPy, and cases without one."""

import keras
import numpy as np
import pytest
import scipy.stats

from trainers.analysis.rank_correlations import MIN_MODELS, spearman

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="does not depend on the backend")


def test_scipy_agrees():
    rng = np.random.default_rng(0)
    a = rng.normal(size=40)
    b = np.round(a + rng.normal(size=40), 1)  # with ties
    found, expected = spearman(a.tolist(), b.tolist()), scipy.stats.spearmanr(a, b)
    assert found.rho == pytest.approx(expected.statistic, abs=1e-12) and found.number == 40
    weak = rng.permutation(b)
    assert spearman(a, weak).p == pytest.approx(scipy.stats.spearmanr(a, weak).pvalue, abs=0.03)


@pytest.mark.parametrize("sign", [1, -1])
def test_p_of_a_perfect_order_counts_permutations(sign):
    a = [1.0, 2.0, 3.0, 10.0, 20.0]
    found = spearman(a, [sign * x**3 for x in a])
    assert found == (pytest.approx(sign), pytest.approx(2 / 120), 5)


def test_few_models_or_equal_values_have_no_correlation():
    assert MIN_MODELS == 5  # 2/4! > 0.05 > 2/5!
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]) is None
    assert spearman([1, 2, 3, 4, 5], [0.0] * 5) is None and spearman([0.0] * 5, [1, 2, 3, 4, 5]) is None
