"""Noisy sines of two frequencies: a classification problem that needs no download."""

import numpy as np

from zoo.validation import check_number

FREQUENCIES = (0.99, 1.01)
NUM_PER_CLASS = 5000
NUM_POSITIONS = 100


def synthetic_sines(seed=0, num_train=1000, noise_std=0.1):
    """Draws 10000 signals, 5000 of each class, and splits them.

    `x_j = sin(ω·t_j + φ) + η_j` at 100 evenly spaced `t_j` in [−2π, 2π], with `φ ~ U(0, π/2)` and `η_j ~ N(0,
    σ²)`. The label says which of 0.99 (label 0) and 1.01 (label 1) is ω. The best possible classifier errs on
    about 0.5 %.

    Args:
        seed: of the draw, at least 0.
        num_train: number of signals drawn for training, 1 to 9999; the rest are for testing.
        noise_std: σ, at least 0.

    Returns:
        `x_train`, `y_train`, `x_test`, `y_test`: signals `(n, 100)` in float32 and labels `(n,)` in int32, in
        random order.

    Raises:
        TypeError, ValueError: an argument is outside its range.

    Source: Virtual movement training, section on synthetic data.
    """
    total = NUM_PER_CLASS * len(FREQUENCIES)
    check_number("num_train", num_train, 1, total - 1, integer=True)
    check_number("noise_std", noise_std, 0)
    rng = np.random.default_rng(check_number("seed", seed, 0, integer=True))
    labels = np.repeat(np.arange(len(FREQUENCIES), dtype="int32"), NUM_PER_CLASS)
    omega = np.asarray(FREQUENCIES)[labels, None]
    t = np.linspace(-2 * np.pi, 2 * np.pi, NUM_POSITIONS)
    phase = rng.uniform(0, np.pi / 2, (total, 1))
    signals = np.sin(omega * t + phase) + rng.normal(0, noise_std, (total, NUM_POSITIONS))
    train, test = np.split(rng.permutation(total), [num_train])
    signals = signals.astype("float32")
    return signals[train], labels[train], signals[test], labels[test]
