"""Rank correlations between what is measured on several models."""

from typing import NamedTuple

import numpy as np

from zoo.optional import require

MIN_MODELS = 5  # below, not even a perfect order has a two-sided p of 0.05
NUM_PERMUTATIONS = 9999


class Correlation(NamedTuple):
    """Spearman's ρ, its two-sided p-value by permutation, and the number of models."""

    rho: float
    p: float
    number: int


def spearman(a, b):
    """The rank correlation of two measures.

    Args:
        a, b: one value per model, in the same order.

    Returns:
        A `Correlation`; None where there are fewer than `MIN_MODELS` models, or all values of a measure are equal.

    Raises:
        ImportError: SciPy is not installed.
    """
    if len(a) < MIN_MODELS or len(set(a)) < 2 or len(set(b)) < 2:
        return None
    stats = require("scipy.stats", "A rank correlation", "report")
    ranks = [stats.rankdata(values) for values in (a, b)]
    first, second = ((each - each.mean()) / np.linalg.norm(each - each.mean()) for each in ranks)
    # The textbook p-value is for large samples. Here the pairs are drawn anew, all of them where there are few.
    test = stats.permutation_test(
        (first,),
        lambda shuffled, axis: np.sum(shuffled * second, axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=NUM_PERMUTATIONS,
        rng=0,
    )
    return Correlation(float(test.statistic), float(test.pvalue), len(a))
