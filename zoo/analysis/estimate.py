"""Measured values with their standard errors."""

from typing import Any, NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """The mean of a sample.

    Attributes:
        mean: a number, or an array.
        standard_error: standard error of the mean, of the same shape. It is 0 if the value is exact, and NaN for one
            sample.
        number: number of samples.

    Example:
        >>> zoo.analysis.Estimate.of([1.0, 2.0, 3.0]).mean
        np.float64(2.0)
    """

    mean: Any
    standard_error: Any
    number: int

    @classmethod
    def of(cls, samples: Any, axis: int = 0) -> "Estimate":
        """The estimate from independent samples: their mean and `s/√number`.

        Args:
            samples: array of samples.
            axis: axis that counts the samples.

        Returns:
            The estimate.

        Raises:
            ValueError: there is no sample.
        """
        samples = np.asarray(samples, "float64")
        number = samples.shape[axis]
        if not number:
            raise ValueError("An estimate needs at least one sample, received none.")
        mean = samples.mean(axis)
        error = samples.std(axis, ddof=1) / np.sqrt(number) if number > 1 else np.full_like(mean, np.nan)
        return cls(mean, error, number)

    def scaled(self, factor: Any) -> "Estimate":
        """The estimate of `factor` times the value."""
        return Estimate(factor * self.mean, abs(factor) * self.standard_error, self.number)

    def difference(self, other: "Estimate") -> "Estimate":
        """`self − other` for two independent samples. Its `number` is the smaller one."""
        error = np.hypot(self.standard_error, other.standard_error)
        return Estimate(self.mean - other.mean, error, min(self.number, other.number))
