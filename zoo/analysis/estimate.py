"""Measured figures with their error bars."""

from typing import Any, NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """The mean of a sample.

    Attributes:
        mean: a number, or an array of them.
        standard_error: of the mean, of the same shape; 0 where the value is exact, NaN where one sample says nothing.
        number: how many samples there were.
    """

    mean: Any
    standard_error: Any
    number: int

    @classmethod
    def of(cls, samples, axis=0):
        """The estimate from independent samples along `axis`: their mean and `s/√number`.

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

    def scaled(self, factor):
        """The estimate of `factor` times the quantity."""
        return Estimate(factor * self.mean, abs(factor) * self.standard_error, self.number)

    def difference(self, other):
        """`self − other`, of two independent samples; `number` is the smaller of the two."""
        error = np.hypot(self.standard_error, other.standard_error)
        return Estimate(self.mean - other.mean, error, min(self.number, other.number))
