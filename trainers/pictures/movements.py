"""Inputs, and the movements that raise the loss of a network most."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trainers.pictures.perturbations import draw_signal, mark, show_change, show_image, verdict
from trainers.pictures.style import RED, WIDTH, Picture, new_figure, styled

NUM_ARROWS = 10


def draw_arrows(ax: Any, movement: np.ndarray) -> None:
    """Draws where the content goes, at some positions of the lattice.

    Args:
        ax: axes that show the image.
        movement: V, `(height, width, 2)`; position p takes its value from p + V, so the content moves by -V.
    """
    rows, columns = (np.linspace(0, length - 1, NUM_ARROWS).round().astype(int) for length in movement.shape[:2])
    vectors = -movement[np.ix_(rows, columns)]
    style = {"color": RED, "width": 0.009, "pivot": "mid", "angles": "xy", "scale_units": "xy"}
    ax.quiver(columns, rows, vectors[..., 1], vectors[..., 0], scale=np.abs(vectors).max() / 3 or 1, **style)


@styled
def movement_fields(
    image: np.ndarray,
    movements: Mapping[str, np.ndarray],
    moved: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    size: float,
    title: str,
) -> Picture:
    """Draws the worst movement of each family as arrows over an image, the moved image, and the difference.

    Args:
        image: `(height, width, channels)`, of one or three channels.
        movements: `{family: V*, (height, width, 2)}`.
        moved: `{family: image moved by ε·V*}`.
        probabilities: `{family: (num_classes,)}` of the moved images, and of the image itself under `"clean"`.
        size: ε, in positions.
        title: of data and network.
    """
    panel = WIDTH / 4
    figure, axes = new_figure(len(movements) * (panel + 0.28), len(movements), 3, width=3 * panel + 0.6)
    clean, told, scale = verdict(probabilities["clean"]), [], (image.min(), image.max())
    changes = {family: moved[family] - image for family in movements}
    largest = max(np.abs(change).max() for change in changes.values())
    for row, (family, movement) in zip(axes, movements.items(), strict=True):
        show_image(row[0], image, *scale)
        draw_arrows(row[0], movement)
        show_image(row[1], moved[family], *scale)
        show_change(row[2], changes[family], largest)
        after = verdict(probabilities[family])
        for ax, text in zip(row, (f"{family}: {clean}", f"moved: {after}", "difference"), strict=True):
            ax.set_title(text, fontsize=9)
        told.append(f"{family}: {after}")
    return Picture(
        figure,
        f"Worst movements by {size:g} positions. {title}",
        "For each family of movements: the image with arrows that show where its content moves, the moved image, and "
        f"the difference. Decision and confidence: clean {clean}; {'; '.join(told)}.",
    )


@styled
def sample_pairs(
    inputs: np.ndarray,
    moved: np.ndarray,
    labels: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    size: str,
    title: str,
) -> Picture:
    """Draws inputs, and below each the same input after its worst movement.

    Args:
        inputs: `(n, length)` signals, or `(n, height, width, channels)` images with one or three channels.
        moved: the same inputs after the movement.
        labels: `(n,)`.
        before: probabilities `(n, num_classes)` for `inputs`.
        after: probabilities `(n, num_classes)` for `moved`.
        size: the family and ε in positions, for the title.
        title: of data and network.
    """
    signals, num = inputs.ndim == 2, len(inputs)
    panel, scale = WIDTH / num, (inputs.min(), inputs.max())
    shape = (num, 1) if signals else (2, num)
    figure, axes = new_figure(1.5 * num if signals else 2 * (panel + 0.3), *shape, sharex=signals)
    told = []
    for index, label in enumerate(labels):
        texts = [f"label {label}: {verdict(before[index])}", verdict(after[index])]
        told.append(" to ".join(texts))
        if signals:
            draw_signal(axes[index, 0], moved[index], inputs[index])
            axes[index, 0].set_title(" → ".join(texts), fontsize=9)
            continue
        show_image(axes[0, index], inputs[index], *scale)
        show_image(axes[1, index], moved[index], *scale)
        for ax, of in zip(axes[:, index], (before, after), strict=True):
            text, color = mark(of[index], label)
            ax.set_title(text, fontsize=9, **color)
    if signals:
        axes[-1, 0].set_xlabel("position")
    else:
        axes[0, 0].set_ylabel("input", fontsize=9)
        axes[1, 0].set_ylabel("moved", fontsize=9)
    shown = "in gray, moved in blue" if signals else "above, moved below"
    return Picture(
        figure,
        f"Inputs and their worst-moved versions, {size}. {title}",
        f"Inputs {shown}, with decision and confidence before and after: {'; '.join(told)}.",
    )
