"""What each method does to one input during training."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_rgb

from trainers.pictures.perturbations import channels_last, mark, verdict
from trainers.pictures.style import WIDTH, Picture, new_figure, styled, without_axes

ADDED, REMOVED = "#ff9040", "#4aa8ff"  # bright on the black of the images, in both themes
GAIN = 3.0  # for perturbations of a small norm


class Panel(NamedTuple):
    """One method, and what it does.

    Attributes:
        image: `(height, width, channels)` with one channel.
        reference: what `image` is compared with, of the same shape; None shows `image` as it is.
        probabilities: `(num_classes,)` of `image`, or None.
        gain: factor by which the difference is shown, so that faint ones are visible.
    """

    image: np.ndarray
    reference: np.ndarray | None
    probabilities: np.ndarray | None
    gain: float = 1.0


def show_difference(ax: Any, panel: Panel) -> None:
    """Shows an image; what the method added is orange, and what it removed is blue."""
    image = np.clip(channels_last(panel.image), 0, 1)
    reference = image if panel.reference is None else np.clip(channels_last(panel.reference), 0, 1)
    change = panel.gain * (image - reference)
    colors = (reference + np.minimum(change, 0)).clip(0, 1)[..., None] * np.ones(3)
    colors += np.maximum(change, 0)[..., None] * to_rgb(ADDED)
    colors += np.maximum(-change, 0)[..., None] * to_rgb(REMOVED)
    ax.imshow(np.clip(colors, 0, 1), interpolation="none")
    without_axes(ax)


@styled
def what_methods_do(panels: Mapping[str, Panel], label: int, norm: float, distance: float, title: str) -> Picture:
    """Draws one image as each method changes it, with the decision of a network that was trained without a method.

    Args:
        panels: `{method: Panel}`.
        label: of the image.
        norm: L2 norm of the perturbations.
        distance: root mean square length of the movements, in positions.
        title: of data and network.
    """
    columns = 4
    rows = -(-len(panels) // columns)
    figure, axes = new_figure(rows * (WIDTH / columns + 0.34), rows, columns)
    told = []
    for ax, (method, panel) in zip(axes.flat, panels.items(), strict=False):
        show_difference(ax, panel)
        if panel.probabilities is None:
            ax.set_title(method, fontsize=10)
            continue
        decision, color = mark(panel.probabilities, label)
        ax.set_title(f"{method}\n{decision}", fontsize=10, **color)
        told.append(f"{method}: {verdict(panel.probabilities)}")
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    return Picture(
        figure,
        "What each method does to a digit: orange is added, blue removed. Above each image is what a network that was "
        f"trained without the methods takes it for. {title}",
        f"One panel per method: the digit {label} after the change that the method trains against, with the decision "
        f"and confidence of a network trained without it. Orange was added, blue was removed. Perturbations have L2 "
        f"norm {norm:g}, and their colors are {GAIN:g} times as strong; movements shift the content by {distance:g} "
        f"positions, root mean square. The ladder network learns to remove noise. {'; '.join(told)}.",
    )
