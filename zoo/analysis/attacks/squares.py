"""The random windows of the square attack, and what a query changes in them."""

from typing import Any

import numpy as np
from keras import ops

Tensor = Any  # a tensor of the backend, or a NumPy array
TINY = 1e-12
SUMS = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, 4096) ** 2)]).astype("float32")  # Σ_{t≤m} 1/t² at m
NUM_TILES = 5  # along each axis, in the first perturbation in L2


class Windows:
    """The random choices of one query, for every example: two windows, an orientation, and a sign for each channel.

    Args:
        draws: uniform numbers from [0, 1), `(n, num_draws(channels))`.
        side: side of the windows, an integer.
        height: of the images.
        width: of the images. 1 for inputs that are a line.
        channels: of the images.

    Example:
        >>> from zoo.analysis.attacks.squares import Windows
        >>> windows = Windows(np.zeros((1, 6)), 2, 4, 4, 1)
        >>> np.asarray(windows.inside(0)).sum()
        np.int64(4)
    """

    def __init__(self, draws: Tensor, side: Tensor, height: int, width: int, channels: int):
        self.rows = side
        self.columns = ops.minimum(side, width)
        self.shape = (-1, 1, 1, channels)
        self.row = ops.reshape(ops.arange(height, dtype="int32"), (1, -1, 1, 1))
        self.column = ops.reshape(ops.arange(width, dtype="int32"), (1, 1, -1, 1))
        room = ops.stack([height - self.rows + 1, width - self.columns + 1, height - self.rows + 1])
        room = ops.concatenate([room, ops.stack([width - self.columns + 1])])
        self.corners = ops.cast(draws[:, :4] * ops.cast(room, draws.dtype), "int32")
        self.upright = ops.reshape((draws[:, 4] < 0.5) | (width == 1), (-1, 1, 1, 1))
        self.signs = ops.where(ops.reshape(draws[:, 5:], self.shape) < 0.5, -1.0, 1.0)

    @staticmethod
    def num_draws(channels: int) -> int:
        """Number of uniform numbers for one query of one example."""
        return 5 + channels

    def positions(self, which: int) -> tuple[Tensor, Tensor]:
        """Row and column of every pixel within a window, from 0; `(n, height, 1, 1)` and `(n, 1, width, 1)`."""
        corner = ops.reshape(self.corners[:, 2 * which : 2 * which + 2], (-1, 2, 1, 1))
        return self.row - corner[:, :1], self.column - corner[:, 1:]

    def inside(self, which: int) -> Tensor:
        """Whether a pixel is in the first (0) or second (1) window, `(n, height, width, 1)`."""
        row, column = self.positions(which)
        return (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)

    def bumps(self, which: int) -> Tensor:
        """Two bumps of opposite signs side by side in a window, of L2 norm 1, `(n, height, width, 1)`."""
        row, column = self.positions(which)
        upright = two_bumps(row, column, self.rows, self.columns)
        lying = two_bumps(column, row, self.columns, self.rows)
        bumps = ops.where(self.inside(which), ops.where(self.upright, upright, lying), 0.0)
        return bumps / (ops.sqrt(ops.sum(ops.square(bumps), axis=(1, 2, 3), keepdims=True)) + TINY)


def bump(row: Tensor, column: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """A pyramid of nested rectangles: `η = Σ_{k=0}^M 1/(n + 1 − k)²`, with `n = ⌊rows/2⌋` and M its level.

    Args:
        row: position in the rectangle, from 0.
        column: position in the rectangle, from 0.
        rows: of the rectangle.
        columns: of the rectangle.

    Returns:
        η at every position, above 0.

    Source: Andriushchenko et al., 2020, https://arxiv.org/abs/1912.00049, equation 2.

    Example:
        >>> from zoo.analysis.attacks.squares import bump
        >>> np.asarray(bump(np.arange(3), np.array(1), 3, 3)).round(3)
        array([0.25, 1.25, 0.25], dtype=float32)
    """
    half = rows // 2
    level = half - ops.maximum(ops.abs(row - half), ops.abs(column - columns // 2))
    ends = half + 1, half - ops.maximum(level, 0)  # outside the rectangle too, where the value is not used
    upper, lower = (ops.take(SUMS, ops.minimum(end, len(SUMS) - 1)) for end in ends)
    return upper - lower


def two_bumps(row: Tensor, column: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """A bump in the upper half of the rows and one of the other sign in the lower half."""
    upper = rows // 2
    first = bump(row, column, ops.maximum(upper, 1), columns)
    second = bump(row - upper, column, rows - upper, columns)
    return ops.where(row < upper, first, -second)


def recolor(clean: Tensor, x: Tensor, windows: Windows, epsilon: Tensor) -> Tensor:
    """L∞: sets the first window to `clean ± ε`, with one sign for each channel.

    Args:
        clean: `(n, height, width, channels)`.
        x: of the same shape.
        windows: of the query.
        epsilon: ε.

    Returns:
        `(n, height, width, channels)`.

    Example:
        >>> from zoo.analysis.attacks.squares import Windows, recolor
        >>> image = np.zeros((1, 2, 2, 1))
        >>> np.asarray(recolor(image, image, Windows(np.zeros((1, 6)), 1, 2, 2, 1), 0.5)).ravel()
        array([-0.5,  0. ,  0. ,  0. ])
    """
    return ops.where(windows.inside(0), clean + epsilon * ops.cast(windows.signs, x.dtype), x)


def move_energy(clean: Tensor, x: Tensor, windows: Windows, epsilon: Tensor) -> Tensor:
    """L2: adds bumps to the first window, with the norm that the second window and the rest of the ball give up.

    Args:
        clean: `(n, height, width, channels)`.
        x: of the same shape.
        windows: of the query.
        epsilon: ε.

    Returns:
        `(n, height, width, channels)`.

    Example:
        >>> from zoo.analysis.attacks.squares import Windows, move_energy
        >>> image = np.zeros((1, 4, 4, 1))
        >>> moved = move_energy(image, image, Windows(np.zeros((1, 6)), 2, 4, 4, 1), 0.5)
        >>> float(np.linalg.norm(moved).round(4))
        0.5
    """
    noise = x - clean

    def norms(values, axis):
        return ops.sqrt(ops.sum(ops.square(values), axis=axis, keepdims=True))

    target, source = ops.cast(windows.inside(0), x.dtype), ops.cast(windows.inside(1), x.dtype)
    unused = ops.maximum(epsilon**2 - norms(noise, (1, 2, 3)) ** 2, 0.0) / x.shape[-1]
    old = noise * target
    new = ops.cast(windows.signs * windows.bumps(0), x.dtype) + old / (norms(old, (1, 2)) + TINY)
    available = ops.sqrt(norms(noise * ops.maximum(target, source), (1, 2)) ** 2 + unused)
    new = new * target
    kept = noise * (1 - ops.maximum(target, source))
    return clean + kept + new * available / (norms(new, (1, 2)) + TINY)


def first_perturbation(rng: np.random.Generator, shape: tuple[int, ...], epsilon: float, norm: str) -> np.ndarray:
    """The perturbation before the first query: stripes `±ε` along the columns (L∞), or a grid of bumps of norm ε (L2).

    Args:
        rng: random numbers.
        shape: of the images, `(n, height, width, channels)`.
        epsilon: ε.
        norm: `"linf"` or `"l2"`.

    Returns:
        `(n, height, width, channels)`.

    Example:
        >>> from zoo.analysis.attacks.squares import first_perturbation
        >>> stripes = first_perturbation(np.random.default_rng(0), (1, 3, 4, 1), 0.5, "linf")
        >>> bool((stripes[0, 0] == stripes[0, 2]).all()), float(np.abs(stripes).max())
        (True, 0.5)
    """
    number, height, width, channels = shape
    if norm == "linf":
        stripes = (number, 1, width, channels) if width > 1 else (number, height, 1, channels)
        return np.broadcast_to(epsilon * rng.choice([-1.0, 1.0], stripes), shape)
    noise = np.zeros(shape)
    side = max(height // NUM_TILES, 1)
    across = min(side, width)
    for top in range(0, height - side + 1, side):
        for left in range(0, width - across + 1, across):
            row, column = np.ogrid[:side, :across]
            row, column = row.astype("int32"), column.astype("int32")
            tile = ops.convert_to_numpy(two_bumps(row, column, side, across))[None, :, :, None]
            signs = rng.choice([-1.0, 1.0], (number, 1, 1, channels))
            noise[:, top : top + side, left : left + across] += signs * tile
    size = np.sqrt(np.square(noise).sum(axis=(1, 2, 3), keepdims=True))
    return epsilon * noise / np.maximum(size, TINY)
