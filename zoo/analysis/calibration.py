"""How well the confidence of a classifier agrees with its accuracy."""

from typing import Any, NamedTuple

import numpy as np

from zoo.validation import check_number, class_indices


class Reliability(NamedTuple):
    """The content of a reliability diagram. Empty bins have the means NaN.

    Attributes:
        edges: `(num_bins + 1,)`, from 0 to 1. Bin m has the confidences in `(edges[m], edges[m + 1]]`.
        counts: `(num_bins,)`, number of examples in each bin.
        confidences: `(num_bins,)`, mean confidence of each bin.
        accuracies: `(num_bins,)`, mean accuracy of each bin.

    Example:
        >>> result = zoo.analysis.reliability([[0.8, 0.2], [0.6, 0.4]], labels=[0, 1], num_bins=2)
        >>> result.counts
        array([0, 2])
    """

    edges: np.ndarray
    counts: np.ndarray
    confidences: np.ndarray
    accuracies: np.ndarray

    @property
    def calibration_error(self) -> float:
        """The expected calibration error `Σ_m |B_m|/n · |acc(B_m) − conf(B_m)|`, 0 to 1 (Guo et al., equation 3)."""
        return float(np.nansum(self.counts * np.abs(self.accuracies - self.confidences)) / self.counts.sum())


def reliability(probabilities: Any, labels: Any, num_bins: int = 15) -> Reliability:
    """Confidence and accuracy in bins of equal width.

    Args:
        probabilities: `(n, num_classes)`. The confidence of an example is its largest probability.
        labels: class indices, `(n,)`.
        num_bins: number of bins, at least 1.

    Returns:
        A `Reliability`.

    Raises:
        TypeError: `num_bins` is not an integer.
        ValueError: there is no example, there are not as many labels, or a row is not a distribution.

    Source: Guo, Pleiss, Sun, Weinberger, 2017, "On calibration of modern neural networks",
    https://arxiv.org/abs/1706.04599.

    Example:
        >>> result = zoo.analysis.reliability([[0.8, 0.2], [0.6, 0.4]], labels=[0, 1])
        >>> round(result.calibration_error, 3)
        0.4
    """
    check_number("num_bins", num_bins, 1, integer=True)
    probabilities, labels = np.asarray(probabilities, "float64"), class_indices(labels)
    if not len(probabilities) or len(probabilities) != len(labels):
        raise ValueError(
            f"Calibration needs one label per prediction and at least one, received {len(probabilities)} predictions "
            f"and {len(labels)} labels."
        )
    rows = (probabilities.min(axis=-1) >= 0) & (np.abs(probabilities.sum(axis=-1) - 1) <= 1e-3)  # False for NaN
    if not rows.all():
        worst = probabilities[np.argmin(rows)].tolist()
        raise ValueError(f"Each row must be at least 0 and add up to 1, received {worst}.")
    confidences, right = probabilities.max(axis=-1), probabilities.argmax(axis=-1) == labels
    edges = np.linspace(0, 1, num_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):  # for empty bins
        means = [np.bincount(bins, values, num_bins) / counts for values in (confidences, right)]
    return Reliability(edges, counts, *means)
