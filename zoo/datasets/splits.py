"""Seeded draws of examples: labeled subsets, validation sets, bootstrap samples."""

import numpy as np

from zoo.validation import check_number


def balanced_subset(labels, num_labels, seed, what="num_labels"):
    """Draws the same number of examples of every class, without replacement.

    Args:
        labels: `(n,)` integers.
        num_labels: size of the subset, divisible by the number of classes.
        seed: at least 0; the same seed gives the same draw.
        what: what the messages call `num_labels`.

    Returns:
        Sorted indices, `(num_labels,)`.

    Raises:
        ValueError: `num_labels` does not divide, or some class has too few examples.
    """
    check_number(what, num_labels, 1, integer=True)
    labels = np.asarray(labels)
    classes, counts = np.unique(labels, return_counts=True)
    per_class, rest = divmod(num_labels, len(classes))
    if rest:
        raise ValueError(f"{what} must be divisible by the {len(classes)} classes, received {num_labels!r}.")
    if per_class > counts.min():
        available = dict(zip(classes.tolist(), counts.tolist(), strict=True))
        raise ValueError(f"{what}={num_labels!r} needs {per_class} examples of each class, available are {available}.")
    rng = np.random.default_rng(check_number("seed", seed, 0, integer=True))
    drawn = [rng.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in classes]
    return np.sort(np.concatenate(drawn))


def hold_out(labels, num_validation, seed):
    """Splits the examples into a training and a validation set.

    Args:
        labels: `(n,)` integers.
        num_validation: size of the validation set, 0 to n − 1. It is class-balanced when it divides by the
            number of classes, else drawn from all examples alike.
        seed: at least 0.

    Returns:
        Sorted indices `train` `(n - num_validation,)` and `validation` `(num_validation,)`.

    Raises:
        ValueError: `num_validation` is out of range, or it divides and some class has too few examples.
    """
    num_examples = len(labels)
    check_number("num_validation", num_validation, 0, num_examples - 1, integer=True)
    if num_validation and num_validation % len(np.unique(labels)) == 0:
        validation = balanced_subset(labels, num_validation, seed, "num_validation")
    else:
        rng = np.random.default_rng(check_number("seed", seed, 0, integer=True))
        validation = np.sort(rng.choice(num_examples, num_validation, replace=False))
    return np.setdiff1d(np.arange(num_examples), validation), validation


def bootstrap(num_examples, seed):
    """Draws as many examples as there are, with replacement: the training set of one member in bagging.

    Args:
        num_examples: n, at least 1.
        seed: at least 0.

    Returns:
        Indices, `(n,)`, with repetitions.

    Source: Breiman, "Bagging predictors", 1996.
    """
    check_number("num_examples", num_examples, 1, integer=True)
    rng = np.random.default_rng(check_number("seed", seed, 0, integer=True))
    return rng.integers(num_examples, size=num_examples)
