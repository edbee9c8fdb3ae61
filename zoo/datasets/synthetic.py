"""Noisy sines of two frequencies: a classification problem that needs no download."""

import numpy as np

from zoo.backend.random_numbers import Seed, as_integer
from zoo.validation import check_number

FREQUENCIES = (0.99, 1.01)
NUM_PER_CLASS = 5000
NUM_TRAIN = 1000
NUM_POSITIONS = 100


def synthetic_sines(seed: Seed = 0, *, noise_std: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draws 10000 signals, 5000 of each class: 1000 for training and 9000 for testing.

    `x_j = sin(ω·t_j + φ) + η_j` at 100 evenly spaced `t_j` in [−2π, 2π], with `φ ~ U(0, π/2)` and `η_j ~ N(0, σ²)`,
    where σ is `noise_std`. The label tells ω: 0.99 for label 0, 1.01 for label 1. The error of the best possible
    classifier is about 0.5 %.

    Args:
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. The same integer gives the same signals.
        noise_std: σ, at least 0.

    Returns:
        `x_train`, `y_train`, `x_test`, `y_test`: signals `(n, 100)` in float32 and labels `(n,)` in int32, in random
        order.

    Raises:
        TypeError: an argument is not a number, or the seed is none of these.
        ValueError: an argument is out of range.

    Source: "Regularization Neural Networks via Constrained Virtual Movement Field" (the VMT paper), section on
    synthetic data.

    Example:
        >>> from zoo.datasets import synthetic_sines
        >>> x_train, y_train, x_test, y_test = synthetic_sines(seed=0)
        >>> x_train.shape, x_test.shape
        ((1000, 100), (9000, 100))
    """
    total = NUM_PER_CLASS * len(FREQUENCIES)
    check_number("noise_std", noise_std, 0)
    rng = np.random.default_rng(as_integer(seed))
    labels = np.repeat(np.arange(len(FREQUENCIES), dtype="int32"), NUM_PER_CLASS)
    omega = np.asarray(FREQUENCIES)[labels, None]
    t = np.linspace(-2 * np.pi, 2 * np.pi, NUM_POSITIONS)
    phase = rng.uniform(0, np.pi / 2, (total, 1))
    signals = np.sin(omega * t + phase) + rng.normal(0, noise_std, (total, NUM_POSITIONS))
    train, test = np.split(rng.permutation(total), [NUM_TRAIN])
    signals = signals.astype("float32")
    return signals[train], labels[train], signals[test], labels[test]
