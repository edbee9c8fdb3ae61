"""Signals of several classes in one picture."""

from collections.abc import Mapping

import numpy as np

from trainers.pictures.sources import Sources
from trainers.pictures.style import BLUE, RED, Picture, legend_below, new_figure, styled
from zoo import datasets

COLORS = (BLUE, RED)


@styled
def signals_of_classes(signals: Mapping[int, np.ndarray], note: str, title: str) -> Picture:
    """Draws one signal of each of two classes in the same axes.

    Args:
        signals: `{label: signal, (length,)}`, for two labels.
        note: what to see, for the alt text.
        title: of the data.
    """
    figure, axes = new_figure(2.2, 1, 1)
    ax = axes[0, 0]
    for (label, signal), color in zip(signals.items(), COLORS, strict=True):
        ax.plot(signal, color=color, label=f"label {label}", linewidth=1)
    ax.set_xlabel("position")
    legend_below(figure, ax, len(signals))
    first, second = signals
    return Picture(
        figure,
        f"Signals with different labels. {title}",
        f"One signal with label {first} and one with label {second}. {note}",
    )


def draw_signal_classes(sources: Sources) -> Picture:
    """Draws one synthetic signal of each class."""
    data = datasets.load("synthetic")
    first = {label: data.x_test[np.argmax(data.y_test == label)] for label in (0, 1)}
    note = "Their frequencies differ by 2 %, so the two are hard to tell apart by eye."
    return signals_of_classes(first, note, "Synthetic signals")
