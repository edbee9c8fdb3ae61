"""Rank correlations between measures of several models."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.optional import require

MIN_MODELS = 5  # with fewer models, the two-sided p-value of a perfect order exceeds 0.05
NUM_PERMUTATIONS = 9999


class Correlation(NamedTuple):
    """Spearman's ρ with its two-sided p-value by permutation.

    Attributes:
        rho: the correlation, -1 to 1.
        p: the p-value.
        number: of models.
    """

    rho: float
    p: float
    number: int


def spearman(a: Sequence[float], b: Sequence[float]) -> Correlation | None:
    """The rank correlation of two measures.

    Args:
        a: one value per model.
        b: one value per model, in the same order.

    Returns:
        The correlation; None if there are fewer than `MIN_MODELS` models, or if all values of a measure are equal.

    Raises:
        ImportError: SciPy is not installed.
    """
    if len(a) < MIN_MODELS or len(set(a)) < 2 or len(set(b)) < 2:
        return None
    stats = require("scipy.stats", "A rank correlation", "report")
    ranks = [stats.rankdata(values) for values in (a, b)]
    first, second = ((each - each.mean()) / np.linalg.norm(each - each.mean()) for each in ranks)
    # The textbook p-value holds for large samples only. Few models allow all permutations, many a sample of them.
    test = stats.permutation_test(
        (first,),
        lambda shuffled, axis: np.sum(shuffled * second, axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=NUM_PERMUTATIONS,
        rng=0,
    )
    return Correlation(float(test.statistic), float(test.pvalue), len(a))
