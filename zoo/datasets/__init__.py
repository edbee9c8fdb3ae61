"""Data sets as arrays, splits of them, and batches for `fit`."""

from zoo.datasets.batches import Batches
from zoo.datasets.dataset import Dataset, load
from zoo.datasets.semi_supervised import SemiSupervised
from zoo.datasets.splits import balanced_subset, bootstrap, hold_out
from zoo.datasets.synthetic import synthetic_sines
from zoo.datasets.two_moons import two_moons

__all__ = [
    "Batches",
    "Dataset",
    "SemiSupervised",
    "balanced_subset",
    "bootstrap",
    "hold_out",
    "load",
    "synthetic_sines",
    "two_moons",
]
