"""Whether a classifier's confidence is its accuracy."""

from typing import NamedTuple

import numpy as np

from zoo.validation import check_number, class_indices


class Reliability(NamedTuple):
    """What a reliability diagram shows; the arrays have one entry per bin of confidence, empty bins NaN.

    Attributes:
        edges: `(num_bins + 1,)`, from 0 to 1: the bin m holds the confidences in `(edges[m], edges[m + 1]]`.
        counts: `(num_bins,)`, examples in each bin.
        confidences, accuracies: `(num_bins,)`, the means over each bin.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidences: np.ndarray
    accuracies: np.ndarray

    @property
    def calibration_error(self):
        """The expected calibration error `Σ_m |B_m|/n · |acc(B_m) − conf(B_m)|`, 0 to 1 (Guo et al. 2017, eq. 3)."""
        return float(np.nansum(self.counts * np.abs(self.accuracies - self.confidences)) / self.counts.sum())


def reliability(probabilities, labels, num_bins=15):
    """Confidence and accuracy over bins of equal width.

    Args:
        probabilities: `(n, num_classes)`; an example's confidence is its largest one.
        labels: `(n,)` class indices.
        num_bins: M, at least 1.

    Returns:
        A `Reliability`.

    Raises:
        ValueError: there are no examples, not as many labels, or rows that are no probabilities.

    Source: Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks".
    """
    check_number("num_bins", num_bins, 1, integer=True)
    probabilities, labels = np.asarray(probabilities, "float64"), class_indices(labels)
    if not len(probabilities) or len(probabilities) != len(labels):
        raise ValueError(f"Calibration takes a label per prediction, received {len(probabilities)} and {len(labels)}.")
    rows = (probabilities.min(axis=-1) >= 0) & (np.abs(probabilities.sum(axis=-1) - 1) <= 1e-3)  # false of NaN
    if not rows.all():
        worst = probabilities[np.argmin(rows)].tolist()
        raise ValueError(f"Calibration takes rows that are at least 0 and add up to 1, received {worst}.")
    confidences, right = probabilities.max(axis=-1), probabilities.argmax(axis=-1) == labels
    edges = np.linspace(0, 1, num_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, num_bins - 1)
    counts = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):  # empty bins
        means = [np.bincount(bins, values, num_bins) / counts for values in (confidences, right)]
    return Reliability(edges, counts, *means)
