"""Statistics over seeds: means, spreads, and comparisons of two recipes."""

import statistics
from collections.abc import Iterable, Mapping

from zoo.optional import is_installed, require

Difference = tuple[float, tuple[float, float] | None, float | None]


def mean_and_spread(values: Iterable[float]) -> tuple[float, float]:
    """The mean and the sample standard deviation; the deviation of a single value is 0.

    Args:
        values: at least one.
    """
    values = list(values)
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def as_mean_and_spread(values: Iterable[float]) -> str:
    """Formats values as `mean ± standard deviation`, or a single value as itself; two decimals.

    Example:
        >>> as_mean_and_spread([1.0, 2.0]), as_mean_and_spread([1.0])
        ('1.50 ± 0.71', '1.00')
    """
    values = list(values)
    mean, spread = mean_and_spread(values)
    return f"{mean:.2f}" + (f" ± {spread:.2f}" if len(values) > 1 else "")


def paired_difference(errors: Mapping[int, float], reference: Mapping[int, float]) -> Difference | None:
    """Compares errors over the seeds that two recipes share, by the paired t test.

    Args:
        errors: `{seed: error}` of a recipe.
        reference: `{seed: error}` of the recipe to compare with.

    Returns:
        The mean difference, its 95 % confidence interval and the p-value; None if no seed is shared. Interval and
        p-value are None if one seed is shared, if SciPy is not installed, or if all differences are equal, which
        happens with few seeds because errors are multiples of 0.01 %.
    """
    seeds = sorted(errors.keys() & reference.keys())
    if not seeds:
        return None
    a, b = ([values[seed] for seed in seeds] for values in (errors, reference))
    mean, differences = statistics.mean(a) - statistics.mean(b), [x - y for x, y in zip(a, b, strict=True)]
    if max(differences) - min(differences) < 1e-9 or not is_installed("scipy"):
        return mean, None, None
    test = require("scipy.stats", "The paired t test", "report").ttest_rel(a, b)
    interval = test.confidence_interval(0.95)
    return mean, (float(interval.low), float(interval.high)), float(test.pvalue)


def as_difference(difference: Difference | None) -> str:
    """Formats what `paired_difference` returns."""
    if difference is None:
        return "–"
    mean, interval, p = difference
    return f"{mean:+.2f}" + ("" if interval is None else f" [{interval[0]:+.2f}, {interval[1]:+.2f}], p = {p:.2g}")
