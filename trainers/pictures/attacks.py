"""Classifiers under attack: accuracy against the size of the attack, and attacked inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainers.pictures.perturbations import mark, show_image, verdict
from trainers.pictures.style import BLUE, GREEN, GREY, INK, OCHRE, PURPLE, RED, SKY, WIDTH, Picture, new_figure, styled
from trainers.results.method_table import METHODS

# The methods that the curves compare, with their colors, lines and markers.
COMPARED = {
    "baseline": (INK, "-", "o"),
    "dropout": (GREY, ":", "s"),
    "vmt_shift": (GREEN, "-", "^"),
    "vmt_smooth": (GREEN, "--", "v"),
    "at_linf": (BLUE, "--", "s"),
    "at_l2": (BLUE, "-", "D"),
    "at_pgd": (SKY, "-", "P"),
    "trades": (SKY, "--", "X"),
    "vat": (RED, "-", "o"),
    "vat_vmt_smooth": (RED, "--", "v"),
    "full": (PURPLE, "-", "^"),
    "adversarial": (OCHRE, "-", "D"),
}
Curve = Mapping[str, Any]  # of the file of a model


def method_of_model(name: str) -> str:
    """The method of a model that was trained with all labels; empty for another number of labels."""
    method = name.split("-", 1)[-1]
    return method.removeprefix("all_") if not method[:1].isdigit() else ""


@styled
def accuracy_by_epsilon(analyses: Mapping[str, Mapping[str, Any]], dataset: str = "mnist") -> Picture | None:
    """Draws the accuracy of the published models of a data set against the size of an attack.

    Args:
        analyses: `{model name: content of its file}`, from `read_analyses`.
        dataset: of the models.

    Returns:
        A picture; None if no model of the data set has a curve.
    """
    curves = {
        method_of_model(name): next(iter(content["curves"].values()))
        for name, content in analyses.items()
        if content["dataset"] == dataset and content.get("curves")
    }
    shown = {method: curves[method] for method in COMPARED if method in curves}
    if not shown:
        return None
    figure, axes = new_figure(4.6)
    ax, told = axes[0, 0], []
    for method, curve in shown.items():
        color, line, marker = COMPARED[method]
        sizes, accuracy = curve["settings"]["sizes"], 100 - np.array(curve["errors"])
        style = {"color": color, "linestyle": line, "marker": marker, "markersize": 4.5}
        ax.plot(sizes, accuracy, label=METHODS[method], **style)
        points = ", ".join(f"{value:.0f} at {size:.3g}" for size, value in zip(sizes, accuracy, strict=True))
        told.append(f"{METHODS[method]} {points}")
    settings = next(iter(shown.values()))["settings"]
    ax.set(xlabel="ε, L∞ norm of the attack", ylabel="accuracy (%)", ylim=(-2, 102), xlim=(0, None))
    figure.legend(loc="outside lower center", ncols=2, handlelength=2.8, columnspacing=1.5)
    return Picture(
        figure,
        f"Accuracy against the size of the attack. {dataset}, published models",
        f"One line per method: accuracy in percent on {settings['num_examples']} test images if an attack may change "
        f"every pixel (from 0 to 1) by ε. The attack is APGD on the cross-entropy and then on each wrong class. "
        f"{'; '.join(told)}.",
    )


@styled
def adversarial_examples(
    versions: Mapping[str, Sequence[np.ndarray]],
    probabilities: Mapping[str, Sequence[np.ndarray]],
    sizes: Sequence[float],
    label: int,
    title: str,
) -> Picture:
    """Draws one image as an attack of growing size changes it, one row per model.

    Args:
        versions: `{method: images, one per size}`; an image has shape `(height, width, channels)`.
        probabilities: `{method: (num_classes,) per size}`.
        sizes: of the attack.
        label: of the image.
        title: of the data.
    """
    panel = (WIDTH - 0.3) / len(sizes)
    figure, axes = new_figure(len(versions) * (panel + 0.24) + 0.2, len(versions), len(sizes))
    told = []
    for row, (method, images) in enumerate(versions.items()):
        axes[row, 0].set_ylabel(method, fontsize=9)
        for ax, size, image, found in zip(axes[row], sizes, images, probabilities[method], strict=True):
            show_image(ax, image)
            text, color = mark(found, label)
            ax.set_title(text if row else f"ε = {size:g}\n{text}", fontsize=9, **color)
        ends = ", ".join(
            f"{verdict(found)} at {size:g}" for size, found in zip(sizes, probabilities[method], strict=True)
        )
        told.append(f"{method}: {ends}")
    return Picture(
        figure,
        f"The same digit under attack, for models of several methods. {title}",
        f"One row per method; the size of the attack in L∞ grows from left to right. Decision and confidence above "
        f"each image; a cross and another color mark a wrong decision; the label is {label}. {'; '.join(told)}.",
    )
