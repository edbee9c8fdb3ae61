"""One look for all pictures, and the files they become.

A picture has a transparent background. Its SVG takes the color of its text and axes from the reader's light or dark
theme, wherever it is shown.
"""

import functools
import io
from typing import NamedTuple

from zoo.optional import require

matplotlib = require("matplotlib", "Drawing pictures", "report")
Figure = require("matplotlib.figure", "Drawing pictures", "report").Figure

INK, INK_ON_DARK = "#1f2328", "#e6edf3"
GREY = "#8b949e"
# Told apart with any color vision, and against white as against black (after Okabe and Ito).
BLUE, RED, GREEN, PURPLE, OCHRE, SKY = "#1f7fc4", "#d55e00", "#009e73", "#c06a9b", "#b07d00", "#3fa7dd"
COLORS = (BLUE, RED, GREEN, PURPLE, OCHRE, SKY)
WIDTH = 5.0  # inches: letters stay legible where a telephone shows the picture whole

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
    """A figure, and what it shows in words.

    Attributes:
        figure: Matplotlib's.
        title: one line.
        alt: for those who do not see it.
    """

    figure: Figure
    title: str
    alt: str


def styled(draw):
    """Makes a function draw in the style of this module."""

    @functools.wraps(draw)
    def styled_draw(*args, **kwargs):
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return styled_draw


def new_figure(height, rows=1, columns=1, width=WIDTH, **options):
    """A figure without a background, and its axes as an array `(rows, columns)`; lengths in inches."""
    figure = Figure(figsize=(width, height), facecolor="none")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.set_facecolor("none")
    return figure, axes


def without_axes(*axes):
    """Takes the frame and the ticks from axes that hold an image."""
    for ax in axes:
        ax.grid(False)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)


def legend_below(figure, ax, columns=3):
    """One legend for the whole figure, below it."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=2.2, columnspacing=1.2)


@styled
def svg(picture, command=""):
    """The picture as the text of an SVG file whose ink is light on a dark page.

    Its title, its alt text and the command that draws it are in the file's metadata.
    """
    buffer = io.StringIO()
    description = {"Title": picture.title, "Description": picture.alt, "Source": command, "Date": None}
    picture.figure.savefig(buffer, format="svg", metadata=description)
    text = buffer.getvalue().replace(INK, "currentColor").replace("'DejaVu Sans'", "'DejaVu Sans',Verdana,sans-serif")
    return text.replace('<style type="text/css">', f'<style type="text/css">{THEMES}', 1)


@styled
def png(picture):
    """The picture as the bytes of a PNG file on white."""
    buffer = io.BytesIO()
    description = {"Title": picture.title, "Description": picture.alt}
    picture.figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata=description)
    return buffer.getvalue()
