"""Classifiers under attack: accuracy against the size of the attack, and attacked inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainers.pictures.perturbations import mark, show_image, verdict
from trainers.pictures.style import BLUE, GRAY, GREEN, INK, OCHRE, PURPLE, RED, SKY, WIDTH, Picture, new_figure, styled
from trainers.results.method_table import METHODS

# The methods that the curves compare, with their colors, lines and markers.
COMPARED = {
    "baseline": (INK, "-", "o"),
    "dropout": (GRAY, ":", "s"),
    "vmt_shift": (GREEN, "-", "^"),
    "vmt_smooth": (GREEN, "--", "v"),
    "at_linf": (BLUE, "--", "s"),
    "at_l2": (BLUE, "-", "D"),
    "at_pgd": (SKY, "-", "P"),
    "trades": (SKY, "--", "X"),
    "trades, convolutional network": (SKY, ":", "X"),
    "vat": (RED, "-", "o"),
    "vat_vmt_smooth": (RED, "--", "v"),
    "full": (PURPLE, "-", "^"),
    "adversarial": (OCHRE, "-", "D"),
}


def compared_as(name: str) -> str:
    """The entry of `COMPARED` of a model that was trained with all labels; empty for another number of labels.

    Args:
        name: of the model. A network of MNIST with convolutions is told apart from the fully connected ones.
    """
    network, _, method = name.rpartition("-")
    if method[:1].isdigit():
        return ""
    return method.removeprefix("all_") + (", convolutional network" if network == "mnist_conv" else "")


def _label(compared: str) -> str:
    method, comma, network = compared.partition(",")
    return METHODS[method] + comma + network


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
        compared_as(name): next(iter(content["curves"].values()))
        for name, content in analyses.items()
        if content["dataset"] == dataset and content.get("curves")
    }
    shown = {compared: curves[compared] for compared in COMPARED if compared in curves}
    if not shown:
        return None
    figure, axes = new_figure(4.6)
    ax, told = axes[0, 0], []
    for compared, curve in shown.items():
        color, line, marker = COMPARED[compared]
        sizes, accuracy = curve["settings"]["sizes"], 100 - np.array(curve["errors"])
        style = {"color": color, "linestyle": line, "marker": marker, "markersize": 4.5}
        ax.plot(sizes, accuracy, label=_label(compared), **style)
        points = ", ".join(f"{value:.0f} at {size:.3g}" for size, value in zip(sizes, accuracy, strict=True))
        told.append(f"{_label(compared)} {points}")
    nums = " or ".join(map(str, sorted({curve["settings"]["num_examples"] for curve in shown.values()})))
    ax.set(xlabel="ε, L∞ norm of the attack", ylabel="accuracy (%)", ylim=(-2, 102), xlim=(0, None))
    figure.legend(loc="outside lower center", ncols=2, handlelength=2.8, columnspacing=1.5)
    return Picture(
        figure,
        f"Accuracy against the size of the attack. {dataset}, published models",
        f"One line per method: accuracy in percent on {nums} test images if an attack may change every pixel (from 0 "
        f"to 1) by ε. The attack is APGD on the cross-entropy and then on each wrong class. {'; '.join(told)}.",
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
