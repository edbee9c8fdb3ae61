"""Batches of a labeled set."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.backend.random_numbers import Seed
from zoo.datasets.arrays import check_pair, num_rows
from zoo.datasets.epochwise import EpochwiseDataset, draw_indices
from zoo.validation import check_number


class Batches(EpochwiseDataset):
    """Batches `(x, y)` of a labeled set, in a fresh permutation every epoch.

    All batches are full. If the batch size does not divide the number of examples, every epoch leaves out a different
    remainder. A set that is smaller than the batch size makes one batch of all its examples.

    The seed and the epoch alone determine the batches, so a run that is resumed with the same integer sees the same
    ones. `RegularizedModel.fit` keeps the order of the batches. Pass `shuffle=False` to the `fit` of other models: by
    default, Keras shuffles the batches with Python's `random`.

    Args:
        x: `(n, ...)` inputs, or a dictionary of them for a network with several inputs.
        y: `(n, ...)` targets.
        batch_size: examples in a batch, at least 1.
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. From the last two, an integer is drawn once
            and kept as `seed`. Processes that share batches need the same integer.
        steps_per_epoch: number of batches in an epoch, at least 1. By default, those of one permutation. With more
            batches, further permutations follow, and a batch may span two of them.

    Raises:
        TypeError: a number is not an integer.
        ValueError: `x` and `y` differ in length, or a number is out of range.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import Batches
        >>> batches = Batches(np.zeros((10, 3)), np.arange(10), batch_size=4, seed=0)
        >>> len(batches)
        2
        >>> x, y = batches[0]
        >>> x.shape, y.shape
        ((4, 3), (4,))
    """

    def __init__(self, x: Any, y: Any, batch_size: int = 100, *, seed: Seed = 0, steps_per_epoch: int | None = None):
        """Checks the arguments and draws the first epoch."""
        self.x, self.y = check_pair(x, y)
        self.batch_size = min(check_number("batch_size", batch_size, 1, integer=True), num_rows(self.x))
        super().__init__(seed, num_rows(self.x) // self.batch_size if steps_per_epoch is None else steps_per_epoch)

    def _draw(self) -> tuple[np.ndarray, ...]:
        return (draw_indices(num_rows(self.x), (self.steps_per_epoch, self.batch_size), (self.seed, self.epoch)),)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The number of examples in a batch of a single process."""
        return (self.batch_size,)

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(keras.tree.flatten((self.x, self.y)))

    def _gather(self, take: Callable[[np.ndarray, Any], Any], *rows: Any) -> tuple[Any, Any]:
        (indices,) = rows
        return keras.tree.map_structure(lambda each: take(each, indices), self.x), take(self.y, indices)
