"""The style of all pictures; `trainers.pictures.files` writes them."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from zoo.optional import require

matplotlib = require("matplotlib", "Drawing pictures", "report")
Figure = require("matplotlib.figure", "Drawing pictures", "report").Figure

# Readers with any color vision can tell them apart (after Okabe and Ito), and text in them is legible: on white in the
# first shade, on black in the second. An SVG file has both.
ON_DARK = {
    "#1f2328": "#e6edf3",
    "#656d76": "#9aa4af",
    "#0b66b2": "#58a6ff",
    "#b84a00": "#ff8a3d",
    "#00794f": "#3fbf8f",
    "#9c3f78": "#d68ab8",
    "#806000": "#d9a520",
    "#167a9c": "#7fd0f5",
}
INK, GRAY, *COLORS = ON_DARK
BLUE, RED, GREEN, PURPLE, OCHRE, SKY = COLORS
WIDTH = 4.6  # inches; letters stay legible on the screen of a phone

STYLE = {
    "figure.constrained_layout.use": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRAY,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "image.cmap": "gray",
    "svg.fonttype": "none",
    "svg.hashsalt": "zoo",
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}


class Picture(NamedTuple):
    """A figure and its description.

    Attributes:
        figure: of Matplotlib.
        title: one line.
        alt: text for readers who cannot see the figure.
    """

    figure: Figure
    title: str
    alt: str


def styled(draw: Callable) -> Callable:
    """Decorates a function so that it draws in the style of this module."""

    @functools.wraps(draw)
    def styled_draw(*args, **kwargs):
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled_draw


def new_figure(
    height: float, rows: int = 1, columns: int = 1, width: float = WIDTH, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Makes a figure with a transparent background.

    Args:
        height: in inches.
        rows: of axes.
        columns: of axes.
        width: in inches.
        **options: of `Figure.subplots`.

    Returns:
        The figure, and its axes as an array `(rows, columns)`.
    """
    figure = Figure(figsize=(width, height), facecolor="none")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.set_facecolor("none")
    return figure, axes


def without_axes(*axes: Any) -> None:
    """Removes the frame and the ticks of axes that show an image."""
    for ax in axes:
        ax.grid(False)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)


def legend_below(figure: Figure, ax: Any, columns: int = 3) -> None:
    """Puts one legend for all axes below the figure."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.2, columnspacing=1.2)
