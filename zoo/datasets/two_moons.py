"""Two interleaved half circles: points of the plane, to draw what a method does between them."""

import numpy as np

from zoo.validation import check_number


def two_moons(num_points, *, noise_std=0.1, seed=0):
    """Draws points from two half circles of radius 1, half of them from each.

    Label 0 is the upper half circle about (0, 0), label 1 the lower one about (1, ½); Gaussian noise is added.

    Args:
        num_points: even, at least 2.
        noise_std: standard deviation of the noise along each axis, at least 0.
        seed: of the draw, at least 0.

    Returns:
        Points `(num_points, 2)` in float32 and labels `(num_points,)` in int32, in random order.

    Raises:
        TypeError, ValueError: an argument is outside its range.
    """
    if check_number("num_points", num_points, 2, integer=True) % 2:
        raise ValueError(f"num_points must be even, received {num_points!r}.")
    check_number("noise_std", noise_std, 0)
    rng = np.random.default_rng(check_number("seed", seed, 0, integer=True))
    angles = rng.uniform(0, np.pi, num_points)
    labels = np.repeat(np.arange(2, dtype="int32"), num_points // 2)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    points = np.where(labels[:, None] == 0, circle, [1.0, 0.5] - circle)
    points = points + rng.normal(0, noise_std, points.shape)
    order = rng.permutation(num_points)
    return points[order].astype("float32"), labels[order]
