"""Seeded draws of examples: labeled subsets, validation sets, bootstrap samples."""

import contextlib
from typing import Any

import numpy as np

from zoo.backend.random_numbers import Seed, as_integer
from zoo.validation import check_number, class_indices


def balanced_subset(labels: Any, num_labels: int, seed: Seed) -> np.ndarray:
    """Draws the same number of examples of every class, without replacement.

    Args:
        labels: `(n,)` integers.
        num_labels: size of the subset, divisible by the number of classes.
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. The same integer gives the same subset.

    Returns:
        Sorted indices `(num_labels,)`.

    Raises:
        TypeError: `num_labels` is not an integer, or `seed` is none of these.
        ValueError: `num_labels` is not divisible by the number of classes, or a class has too few examples.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import balanced_subset
        >>> labels = np.array([0, 0, 0, 1, 1, 1])
        >>> rows = balanced_subset(labels, 4, seed=0)
        >>> np.bincount(labels[rows])
        array([2, 2])
    """
    return _balanced_subset(labels, num_labels, seed, "num_labels")


def _balanced_subset(labels: Any, size: int, seed: Seed, what: str) -> np.ndarray:
    """The subset; `what` is the name of its size in the messages."""
    check_number(what, size, 1, integer=True)
    labels = class_indices(labels)
    classes, counts = np.unique(labels, return_counts=True)
    per_class, rest = divmod(size, len(classes))
    if rest:
        raise ValueError(f"{what} must be divisible by the {len(classes)} classes, received {size!r}.")
    if per_class > counts.min():
        available = dict(zip(classes.tolist(), counts.tolist(), strict=True))
        raise ValueError(f"{what}={size!r} needs {per_class} examples of each class, available are {available}.")
    rng = np.random.default_rng(as_integer(seed))
    drawn = [rng.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in classes]
    return np.sort(np.concatenate(drawn))


def hold_out(labels: Any, num_validation: int, seed: Seed) -> tuple[np.ndarray, np.ndarray]:
    """Splits the examples into a training and a validation set.

    Args:
        labels: class indices or one-hot rows, or labels of another kind.
        num_validation: size of the validation set, 0 to n − 1. If it is divisible by the number of classes, the
            validation set is class-balanced. Otherwise, and if labels are not classes, it is drawn from all examples
            alike.
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. The same integer gives the same split.

    Returns:
        Sorted indices `train` `(n - num_validation,)` and `validation` `(num_validation,)`.

    Raises:
        TypeError: `num_validation` is not an integer, or `seed` is none of these.
        ValueError: `num_validation` is out of range, or a class has too few examples for a balanced set.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import hold_out
        >>> train, validation = hold_out(np.array([0, 0, 0, 1, 1, 1]), 2, seed=0)
        >>> len(train), len(validation)
        (4, 2)
    """
    num_examples = len(labels)
    check_number("num_validation", num_validation, 0, num_examples - 1, integer=True)
    labels = np.asarray(labels)
    with contextlib.suppress(ValueError):
        labels = class_indices(labels)
    if num_validation and labels.ndim == 1 and num_validation % len(np.unique(labels)) == 0:
        validation = _balanced_subset(labels, num_validation, seed, "num_validation")
    else:
        rng = np.random.default_rng(as_integer(seed))
        validation = np.sort(rng.choice(num_examples, num_validation, replace=False))
    return np.setdiff1d(np.arange(num_examples), validation), validation


def bootstrap(num_examples: int, seed: Seed) -> np.ndarray:
    """Draws n of n examples with replacement: the training set of one member of a bagged ensemble.

    Args:
        num_examples: n, at least 1.
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. The same integer gives the same sample.

    Returns:
        Indices `(n,)`, with repetitions.

    Raises:
        TypeError: `num_examples` is not an integer, or `seed` is none of these.
        ValueError: an argument is out of range.

    Source: Breiman, 1996, "Bagging predictors", https://doi.org/10.1007/BF00058655.

    Example:
        >>> from zoo.datasets import bootstrap
        >>> sample = bootstrap(1000, seed=0)
        >>> len(sample), len(set(sample.tolist())) < 700
        (1000, True)
    """
    check_number("num_examples", num_examples, 1, integer=True)
    rng = np.random.default_rng(as_integer(seed))
    return rng.integers(num_examples, size=num_examples)
