"""Inputs that are perturbed in several ways, with the decisions of the network."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trainers.pictures.style import BLUE, GRAY, RED, WIDTH, Picture, new_figure, styled, without_axes


def verdict(probabilities: np.ndarray) -> str:
    """The decision and its confidence, such as `7, 99 %`."""
    return f"{probabilities.argmax()}, {100 * probabilities.max():.0f} %"


def mark(probabilities: np.ndarray, label: int) -> tuple[str, dict[str, str]]:
    """The decision and its confidence as a title; a wrong one has a cross and another color.

    Returns:
        The text, and the keyword arguments for its color.
    """
    wrong = probabilities.argmax() != label
    return verdict(probabilities) + " ✗" * bool(wrong), {"color": RED} if wrong else {}


def channels_last(image: np.ndarray) -> np.ndarray:
    """An image with one or three channels in the shape that `imshow` takes."""
    return np.squeeze(image, axis=-1) if image.shape[-1] == 1 else image


def show_image(ax: Any, image: np.ndarray, low: float = 0.0, high: float = 1.0) -> None:
    """Shows an image; `low` is black, and `high` is white or full color."""
    shown = np.clip((channels_last(image) - low) / (high - low), 0, 1)
    ax.imshow(shown, vmin=0, vmax=1, interpolation="none")
    without_axes(ax)


def show_change(ax: Any, change: np.ndarray, size: float) -> None:
    """Shows a perturbation relative to gray, which means no change; the largest change has the given size."""
    ax.imshow(np.clip(0.5 + channels_last(change) / (2 * size), 0, 1), vmin=0, vmax=1, interpolation="none")
    without_axes(ax)


def draw_signal(ax: Any, signal: np.ndarray, reference: Any = 0.0) -> None:
    """Draws a signal in blue over a reference in gray."""
    ax.plot(np.broadcast_to(reference, signal.shape), color=GRAY, linewidth=1)
    ax.plot(signal, color=BLUE, linewidth=1)
    ax.tick_params(labelleft=False, labelbottom=False)


@styled
def perturbed_inputs(
    versions: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    labels: np.ndarray,
    size: str,
    title: str,
) -> Picture:
    """Draws inputs next to their perturbed versions, with the decision above and the perturbation below each.

    Args:
        versions: `{kind of perturbation: inputs}`, the first kind is clean. Signals have shape `(n, length)`, images
            `(n, height, width, channels)` with one or three channels.
        probabilities: `{kind: (n, num_classes)}`.
        labels: `(n,)`.
        size: of the perturbations, for the title.
        title: of data and network.
    """
    clean, *_ = versions.values()
    panel, signals, told = WIDTH / len(versions), clean.ndim == 2, []
    figure, axes = new_figure(2 * len(clean) * (panel + 0.22), 2 * len(clean), len(versions))
    largest = max(np.abs(inputs - clean).max() for inputs in versions.values()) or 1.0
    for example, label in enumerate(labels):
        for column, (kind, inputs) in enumerate(versions.items()):
            (above, below), found = axes[2 * example : 2 * example + 2, column], probabilities[kind][example]
            if signals:
                draw_signal(above, inputs[example], clean[example])
                draw_signal(below, (inputs - clean)[example])
                below.set_ylim(-1.1 * largest, 1.1 * largest)
            else:
                show_image(above, inputs[example], clean.min(), clean.max())
                show_change(below, (inputs - clean)[example], largest)
            text, color = mark(found, label)
            above.set_title(text if example else f"{kind}\n{text}", fontsize=9, **color)
            told.append(f"{kind if column else f'label {label}, clean'}: {verdict(found)}")
    return Picture(
        figure,
        f"Perturbations of the same size, {size}. {title}",
        f"Decision and confidence above each input, with a cross if it is misclassified; the perturbation below it. "
        f"{'; '.join(told)}.",
    )
