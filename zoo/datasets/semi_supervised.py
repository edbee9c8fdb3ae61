"""Batches of a labeled and an unlabeled set."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo.backend.random_numbers import Seed
from zoo.datasets.arrays import as_arrays, check_pair, num_rows
from zoo.datasets.epochwise import EpochwiseDataset, draw_indices
from zoo.validation import check_number


class SemiSupervised(EpochwiseDataset):
    """Batches `({"labeled": x, "unlabeled": u}, y)` of a labeled and an unlabeled set.

    Each set runs through its own permutations, independent of the other's. The labeled set is usually the smaller one:
    within an epoch it repeats in fresh permutations, and a batch may span two of them. Seed, epoch and `shuffle` are as
    for `Batches`.

    Args:
        x: `(n, ...)` labeled inputs, or a dictionary of them for a network with several inputs.
        y: `(n, ...)` their targets.
        x_unlabeled: `(m, ...)` unlabeled inputs, or a dictionary like `x`. They may include `x`.
        batch_size: labeled inputs in a batch, 1 to n.
        unlabeled_batch_size: unlabeled inputs in a batch, 1 to m.
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. From the last two, an integer is drawn once
            and kept as `seed`. Processes that share batches need the same integer.
        steps_per_epoch: number of batches in an epoch, at least 1. By default, those of one permutation of the
            unlabeled set.

    Raises:
        TypeError: a number is not an integer.
        ValueError: `x` and `y` differ in length, labeled and unlabeled inputs differ in shape or kind of dtype, or a
            number is out of range.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import SemiSupervised
        >>> x, y, x_unlabeled = np.zeros((4, 3)), np.arange(4), np.ones((20, 3))
        >>> batches = SemiSupervised(x, y, x_unlabeled, batch_size=2, unlabeled_batch_size=5)
        >>> inputs, labels = batches[0]
        >>> inputs["labeled"].shape, inputs["unlabeled"].shape, labels.shape
        ((2, 3), (5, 3), (2,))
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        x_unlabeled: Any,
        *,
        batch_size: int = 32,
        unlabeled_batch_size: int = 128,
        seed: Seed = 0,
        steps_per_epoch: int | None = None,
    ):
        """Checks the arguments and draws the first epoch."""
        self.x, self.y = check_pair(x, y)
        self.x_unlabeled = _check_alike(x_unlabeled, self.x)
        num_unlabeled = num_rows(self.x_unlabeled)
        self.batch_size = check_number("batch_size", batch_size, 1, num_rows(self.x), integer=True)
        self.unlabeled_batch_size = check_number(
            "unlabeled_batch_size", unlabeled_batch_size, 1, num_unlabeled, integer=True
        )
        super().__init__(seed, num_unlabeled // unlabeled_batch_size if steps_per_epoch is None else steps_per_epoch)

    def _draw(self) -> tuple[np.ndarray, ...]:
        steps, key = self.steps_per_epoch, (self.seed, self.epoch)
        return (
            draw_indices(num_rows(self.x), (steps, self.batch_size), (*key, 0)),
            draw_indices(num_rows(self.x_unlabeled), (steps, self.unlabeled_batch_size), (*key, 1)),
        )

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The numbers of labeled and of unlabeled inputs in a batch of a single process."""
        return self.batch_size, self.unlabeled_batch_size

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(keras.tree.flatten((self.x, self.y, self.x_unlabeled)))

    def _gather(self, take: Callable[[np.ndarray, Any], Any], *rows: Any) -> tuple[Any, Any]:
        labeled, unlabeled = rows
        inputs = {
            "labeled": keras.tree.map_structure(lambda each: take(each, labeled), self.x),
            "unlabeled": keras.tree.map_structure(lambda each: take(each, unlabeled), self.x_unlabeled),
        }
        return inputs, take(self.y, labeled)


def _check_alike(x_unlabeled: Any, x: Any) -> Any:
    x_unlabeled = as_arrays(x_unlabeled)
    received, wanted = (each if isinstance(each, dict) else {"": each} for each in (x_unlabeled, x))
    if received.keys() != wanted.keys():
        raise ValueError(f"x_unlabeled must have the inputs of x, {sorted(wanted)}, received {sorted(received)}.")
    for name, unlabeled in received.items():
        labeled, of = wanted[name], name and f" for the input {name!r}"
        if unlabeled.shape[1:] != labeled.shape[1:] or unlabeled.dtype.kind != labeled.dtype.kind:
            raise ValueError(
                f"x_unlabeled must be like x{of}, examples of shape {labeled.shape[1:]} and dtype {labeled.dtype}, "
                f"received {unlabeled.shape[1:]} and {unlabeled.dtype}."
            )
    if len({len(each) for each in received.values()}) > 1:
        lengths = {name: len(each) for name, each in received.items()}
        raise ValueError(f"All inputs in x_unlabeled must have the same length, received {lengths}.")
    return x_unlabeled
