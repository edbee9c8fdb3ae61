"""Two interleaved half circles: points of the plane, to draw how a regularizer shapes a classifier."""

import numpy as np

from zoo.backend.random_numbers import Seed, as_integer
from zoo.validation import check_number


def two_moons(num_points: int, *, noise_std: float = 0.1, seed: Seed = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draws points from two half circles of radius 1, half of the points from each.

    Label 0 is the upper half circle around (0, 0), label 1 the lower one around (1, ½). Gaussian noise is added.

    Args:
        num_points: even, at least 2.
        noise_std: standard deviation of the noise on each coordinate, at least 0.
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. The same integer gives the same points.

    Returns:
        Points `(num_points, 2)` in float32 and labels `(num_points,)` in int32, in random order.

    Raises:
        TypeError: an argument is not a number, or not an integer, or the seed is none of these.
        ValueError: an argument is out of range.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import two_moons
        >>> x, y = two_moons(100, noise_std=0.05, seed=0)
        >>> x.shape, np.bincount(y)
        ((100, 2), array([50, 50]))
    """
    if check_number("num_points", num_points, 2, integer=True) % 2:
        raise ValueError(f"num_points must be even, received {num_points!r}.")
    check_number("noise_std", noise_std, 0)
    rng = np.random.default_rng(as_integer(seed))
    angles = rng.uniform(0, np.pi, num_points)
    labels = np.repeat(np.arange(2, dtype="int32"), num_points // 2)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    points = np.where(labels[:, None] == 0, circle, [1.0, 0.5] - circle)
    points = points + rng.normal(0, noise_std, points.shape)
    order = rng.permutation(num_points)
    return points[order].astype("float32"), labels[order]
