"""The style of all pictures, and their SVG and PNG files.

A picture has a transparent background. In an SVG file, text and axes take their color from the light or dark theme of
the reader.
"""

import functools
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from zoo.optional import require

matplotlib = require("matplotlib", "Drawing pictures", "report")
Figure = require("matplotlib.figure", "Drawing pictures", "report").Figure

INK, INK_ON_DARK = "#1f2328", "#e6edf3"
GREY = "#8b949e"
# Readers with any color vision can tell them apart, on white and on black (after Okabe and Ito).
BLUE, RED, GREEN, PURPLE, OCHRE, SKY = "#1f7fc4", "#d55e00", "#009e73", "#c06a9b", "#b07d00", "#3fa7dd"
COLORS = (BLUE, RED, GREEN, PURPLE, OCHRE, SKY)
WIDTH = 5.0  # inches; letters stay legible on the screen of a phone

STYLE = {
    "figure.constrained_layout.use": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "image.cmap": "gray",
    "svg.fonttype": "none",
    "svg.hashsalt": "zoo",
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}
THEMES = f"svg{{color:{INK}}}@media(prefers-color-scheme:dark){{svg{{color:{INK_ON_DARK}}}}}"


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


@styled
def svg(picture: Picture, command: str = "") -> str:
    """The picture as the text of an SVG file that adapts to light and dark themes.

    Args:
        picture: its title and alt text go into the metadata of the file.
        command: that draws the picture; goes into the metadata, too.
    """
    buffer = io.StringIO()
    description = {"Title": picture.title, "Description": picture.alt, "Source": command, "Date": None}
    picture.figure.savefig(buffer, format="svg", metadata=description)
    text = buffer.getvalue().replace(INK, "currentColor").replace("'DejaVu Sans'", "'DejaVu Sans',Verdana,sans-serif")
    return text.replace('<style type="text/css">', f'<style type="text/css">{THEMES}', 1)


@styled
def png(picture: Picture) -> bytes:
    """The picture as the bytes of a PNG file with a white background."""
    buffer = io.BytesIO()
    description = {"Title": picture.title, "Description": picture.alt}
    picture.figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata=description)
    return buffer.getvalue()
