"""Curves over the epochs: penalties of movements, errors, and the generalization gap."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from trainers.pictures.style import BLUE, GREEN, INK, OCHRE, PURPLE, RED, SKY, Picture, legend_below, new_figure, styled
from trainers.results.method_table import METHODS as NAMES
from trainers.results.tables import changed_settings
from trainers.runs.callbacks.curves import NORMALIZED

# The methods that the curves compare, with their colors and lines.
METHODS = {
    "baseline": (INK, "-"),
    "at_l2": (BLUE, "-"),
    "vat": (RED, "-"),
    "vmt_shift": (GREEN, "-"),
    "vmt_rotation": (PURPLE, "-"),
    "vmt_scale": (OCHRE, "-"),
    "vmt_all": (SKY, "--"),
    "vmt_smooth": (PURPLE, "--"),
}
CHANGED = " *"  # after a method
ASTERISK = "Asterisk: with other settings than the recipe's"
MOVEMENTS = ("shift", "rotation", "scale")
SPLITS = {"test": "test error (%)", "train": "training error (%)"}
GAPS = {"error": "test − training error (%)", "loss": "test − training loss"}
Content = Mapping[str, Any]  # of the results file of a recipe


def method_of(name: str) -> str:
    """The last part of a recipe's name."""
    return name.split("-", 1)[-1]


def marked(method: str, recipe: Mapping[str, Any]) -> str:
    """The method, with an asterisk if the recorded recipe has other settings than the one of its name."""
    return method + CHANGED * bool(changed_settings(recipe))


def compared(contents: Iterable[Content]) -> dict[str, Content]:
    """`{marked method: content}` of the recipes with a method of `METHODS`, in their order."""
    by_method = {method_of(content["recipe"]["name"]): content for content in contents}
    found = {method: by_method[method] for method in METHODS if method in by_method}
    return {marked(method, content["recipe"]): content for method, content in found.items()}


def curves_of(content: Content, *names: str) -> np.ndarray:
    """The named curves of every seed that has all of them.

    Args:
        content: of a results file.
        *names: of the curves.

    Returns:
        `(seeds, len(names), epochs + 1)`, cut to the shortest curve because seeds may have stopped early.
    """
    runs = [run["curves"] for run in content["seeds"].values() if set(names) <= run.get("curves", {}).keys()]
    length = min((len(curves[name]) for curves in runs for name in names), default=0)
    return np.array([[curves[name][:length] for name in names] for curves in runs]).reshape(
        len(runs), len(names), length
    )


def draw_mean(ax: Any, values: np.ndarray, method: str) -> None:
    """Draws the mean of `(seeds, epochs + 1)` as a line, and its standard deviation over the seeds as a band."""
    plain = method.removesuffix(CHANGED)
    color, line = METHODS[plain]
    mean, epochs = values.mean(axis=0), np.arange(values.shape[1])
    label = NAMES.get(plain, plain) + method[len(plain) :]
    ax.plot(epochs, mean, color=color, linestyle=line, label=label, linewidth=1.3)
    if len(values) > 1:
        spread = values.std(axis=0, ddof=1)
        ax.fill_between(epochs, mean - spread, mean + spread, color=color, alpha=0.13, linewidth=0)


def last_values(values: Mapping[str, np.ndarray]) -> str:
    """Lists the last value of each curve, for the alt text: `method 0.12, …`."""
    return ", ".join(f"{method} {of.mean(axis=0)[-1]:.3g}" for method, of in values.items())


def draw_all(ax: Any, values: Mapping[str, np.ndarray], label: str) -> None:
    """Draws one line per method; the limits of the axis ignore the first tenth of the epochs."""
    for method, of in values.items():
        draw_mean(ax, of, method)
    settled = [of.mean(axis=0)[of.shape[1] // 10 :] for of in values.values()]
    ax.set_ylim(min(0, min(map(np.min, settled))) * 1.05, 1.15 * max(map(np.max, settled)) + 1e-9)
    ax.set(ylabel=label, xlim=(0, None))


def draw_panels(
    values: Mapping[str, Mapping[str, np.ndarray]], labels: Mapping[str, str], title: str, told: str
) -> Picture:
    """Draws one panel below the other, each with one line per method.

    Args:
        values: `{panel: {method: (seeds, epochs + 1)}}`.
        labels: `{panel: what its axis shows}`.
        title: of the picture.
        told: what the lines are, for the alt text.
    """
    figure, axes = new_figure(1.3 + 2.3 * len(values), len(values), sharex=True)
    for ax, (panel, found) in zip(axes[:, 0], values.items(), strict=True):
        draw_all(ax, found, labels[panel])
    axes[-1, 0].set_xlabel("epoch")
    legend_below(figure, axes[0, 0])
    ends = "; ".join(f"{panel}: {last_values(found)}" for panel, found in values.items())
    lines = "One line per method over the epochs, with a band of one standard deviation over the seeds"
    if any(method.endswith(CHANGED) for found in values.values() for method in found):
        told += f". {ASTERISK}"
    return Picture(figure, title, f"{lines}: {told}. At the end: {ends}.")


def with_curves(contents: Iterable[Content], *names: str) -> dict[str, np.ndarray]:
    """`{method: (seeds, len(names), epochs + 1)}` of the compared methods that have the named curves."""
    found = {method: curves_of(content, *names) for method, content in compared(contents).items()}
    return {method: of for method, of in found.items() if of.size}


def draw_movements(
    contents: Iterable[Content], suffix: str, label: Callable[[str], str], title: str, told: str
) -> Picture | None:
    """Draws one panel for each movement whose R some method recorded; None if there is none.

    Args:
        contents: of results files.
        suffix: of the names of the curves.
        label: what the axis of a movement shows.
        title: of the picture.
        told: what the lines are, for the alt text.
    """
    contents = list(contents)
    found = {movement: with_curves(contents, f"worst_{movement}{suffix}") for movement in MOVEMENTS}
    values = {movement: {m: of[:, 0] for m, of in each.items()} for movement, each in found.items() if each}
    return draw_panels(values, {movement: label(movement) for movement in values}, title, told) if values else None


@styled
def worst_movements(contents: Iterable[Content], title: str) -> Picture | None:
    """Draws R of shift, rotation and scale over the epochs, one line per method.

    Args:
        contents: of results files.
        title: of the data.

    Returns:
        A picture; None if no recipe has such curves.
    """
    return draw_movements(
        contents,
        "",
        "$R$ of {}".format,
        f"Largest change of the loss by movements during training. {title}",
        "R, the largest derivative of the test loss along each kind of movement",
    )


@styled
def normalized_worst_movements(contents: Iterable[Content], title: str) -> Picture | None:
    """As `worst_movements`, for loss gradients of norm 1, as the VMT paper draws R. It does not fall with the loss."""
    return draw_movements(
        contents,
        NORMALIZED,
        "$R$ of {}, unit gradient".format,
        f"Alignment of the loss gradient with movements. {title}",
        "R of each kind of movement with the loss gradient of each example divided by its norm",
    )


@styled
def learning_curves(contents: Iterable[Content], title: str) -> Picture | None:
    """Draws the test error and the training error over the epochs, one line per method.

    Args:
        contents: of results files.
        title: of the data.

    Returns:
        A picture; None if no recipe has such curves.
    """
    contents, values = list(contents), {}
    for split in SPLITS:
        values[split] = {m: of[:, 0] for m, of in with_curves(contents, f"sampled_{split}_error").items()}
    if not all(values.values()):
        return None
    return draw_panels(
        values,
        SPLITS,
        f"Learning curves. {title}",
        "the error in percent on a fixed sample of the test set, and on one of the training set",
    )


@styled
def generalization_gap(contents: Iterable[Content], title: str) -> Picture | None:
    """Draws the test error minus the training error over the epochs, and that of the losses, one line per method.

    Args:
        contents: of results files.
        title: of the data.

    Returns:
        A picture; None if no recipe has such curves.
    """
    contents, values = list(contents), {}
    for measure in GAPS:
        found = with_curves(contents, f"sampled_test_{measure}", f"sampled_train_{measure}")
        values[measure] = {method: of[:, 0] - of[:, 1] for method, of in found.items()}
    values = {measure: found for measure, found in values.items() if found}
    if not values:
        return None
    return draw_panels(
        values,
        GAPS,
        f"Generalization gap during training. {title}",
        "test error minus training error in percentage points, and the same of losses if they were measured, on fixed "
        "samples",
    )
