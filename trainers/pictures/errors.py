"""Errors at the end of training: per method with its time, and against the number of labels."""

import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import NullLocator

from trainers.pictures.curves import ASTERISK, Content, marked, method_of
from trainers.pictures.style import BLUE, COLORS, GRAY, GREEN, RED, Picture, legend_below, new_figure, styled
from trainers.results.statistics import mean_and_spread
from trainers.results.tables import errors_by_seed

TRAINING = ("dataset", "preprocessing", "optimizer", "learning_rate", "schedule", "epochs")
LABELS_IN_NAME = re.compile(r"(?<=[-_])(?:\d+|all)_|_\d+$")
SHORTENED = re.compile(r"_\d+ep-")


def mean_error(content: Content) -> float:
    """The mean test error in percent over the seeds."""
    return statistics.mean(errors_by_seed(content).values())


@styled
def errors_by_method(contents: Iterable[Content], title: str) -> Picture | None:
    """Draws the test error and the training time of the recipes of a table, the lowest mean error on top.

    Each row has a dot per seed, the mean with the standard deviation, and the published error; then the median and the
    range of the seconds of a training, with all members of an ensemble, on the device that most runs used.

    Args:
        contents: of results files.
        title: of the data.

    Returns:
        A picture; None for fewer than two recipes.
    """
    ordered = sorted(contents, key=lambda content: -mean_error(content))
    if len(ordered) < 2:
        return None
    names = row_names(ordered)
    where, seconds = training_seconds(ordered)
    timed = [(name, times, content) for name, times, content in zip(names, seconds, ordered, strict=True) if times]
    best = frontier({name: (statistics.median(times), mean_error(content)) for name, times, content in timed})
    figure, axes = new_figure(1.3 + 0.235 * len(ordered), 1, 2, sharey=True, width_ratios=[1.7, 1])
    for place, content in enumerate(ordered):
        draw_errors(axes[0, 0], place, content)
        draw_seconds(axes[0, 1], place, seconds[place])
    axes[0, 0].set_yticks(range(len(ordered)), names)
    for name, tick in zip(names, axes[0, 0].get_yticklabels(), strict=True):
        tick.set_fontweight("bold" if name in best else "normal")
    axes[0, 0].set(xlabel="test error (%)", xlim=(0, 1.05 * axes[0, 0].dataLim.xmax), ylim=(-0.7, len(ordered) - 0.3))
    axes[0, 1].set(xlabel="training (s)", xscale="log")
    few_ticks(axes[0, 1])
    unique = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=3)
    told = [
        f"{name} {mean_error(content):.2f}" + (f" in {statistics.median(times):.3g} s" if times else "")
        for name, content, times in reversed(list(zip(names, ordered, seconds, strict=True)))
    ]
    return Picture(
        figure,
        f"Test error and training time of every method. {title}",
        "One row per method, the lowest error on top. Bold: no method is both faster and better. "
        f"{ASTERISK}. Times on {where}, which other programs shared. Mean test error in percent, and median time: "
        f"{', '.join(told)}.",
    )


def row_names(contents: Sequence[Content]) -> list[str]:
    """The names of the methods of some recipes, with what tells those of one name apart; an asterisk marks changes."""
    names = []
    for recipe in (content["recipe"] for content in contents):
        method = method_of(recipe["name"])
        namesakes = [each["recipe"] for each in contents if method_of(each["recipe"]["name"]) == method]
        if len(namesakes) > 1:
            epochs = [each["epochs"] for each in namesakes]
            family = recipe["name"].split("-")[0].removeprefix(f"{recipe['dataset']}_")
            method += f", {recipe['epochs']} epochs" if len(set(epochs)) == len(epochs) else f", {family}"
        names.append(marked(method, recipe))
    return names


def few_ticks(ax: Any) -> None:
    """Labels a logarithmic x-axis at the roundest numbers of which at least two are visible."""
    low, high = ax.get_xlim()
    middle = np.sqrt(low * high)
    low, high = min(low, middle / 2), max(high, middle * 2)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    for factors in ((1,), (1, 3), (1, 2, 5), range(1, 10)):
        ticks = [tick for tick in np.sort(np.outer(decades, factors).ravel()) if low <= tick <= high]
        if len(ticks) > 1:
            break
    ax.set_xlim(low, high)
    ax.set_xticks(ticks[:: -(-len(ticks) // 4)])
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_locator(NullLocator())


def draw_errors(ax: Any, place: int, content: Content) -> None:
    """Draws the errors of a recipe in a row."""
    errors, published = list(errors_by_seed(content).values()), content["recipe"]["published_error"]
    mean, spread = mean_and_spread(errors)
    ax.plot(errors, [place] * len(errors), "o", markersize=3, color=GRAY, alpha=0.7, label="one seed")
    ax.errorbar(mean, place, xerr=spread, fmt="o", markersize=5, color=BLUE, capsize=2.5, label="mean ± s.d.")
    if published is not None:
        ax.plot(published, place, "D", markersize=6, fillstyle="none", color=RED, label="published")


def draw_seconds(ax: Any, place: int, times: Sequence[float]) -> None:
    """Draws the median and the range of the seconds of a recipe in a row; nothing without times."""
    if times:
        ax.plot([min(times), max(times)], [place, place], color=GREEN, linewidth=1)
        ax.plot(statistics.median(times), place, "s", markersize=4, color=GREEN)


def by_labels(contents: Iterable[Content]) -> dict[str, dict[int | None, Content]]:
    """Groups recipes that differ only in the number of labels, and perhaps in hyperparameters of the method.

    Recipes in a group share the fields of `TRAINING`, such as epochs, optimizer and preprocessing. Recipes that train
    for fewer epochs than their source, such as `mnist_ladder_10ep-100_full`, are left out.

    Args:
        contents: of results files.

    Returns:
        `{name without the number: {number of labels, or None for all: content}}`, for groups with at least two numbers.
    """
    groups = defaultdict(dict)
    for content in contents:
        recipe = content["recipe"]
        if SHORTENED.search(recipe["name"]):
            continue
        name, training = LABELS_IN_NAME.sub("", recipe["name"], count=1), [recipe.get(field) for field in TRAINING]
        groups[name, json.dumps(training)][recipe.get("num_labels")] = content
    return {name: group for (name, _), group in groups.items() if len(group) > 1}


@styled
def errors_by_labels(contents: Iterable[Content]) -> Picture | None:
    """Draws the test error against the number of labels, one line per method, and the published errors.

    Args:
        contents: of results files.

    Returns:
        A picture; None if no method ran with two numbers of labels.
    """
    groups = by_labels(contents)
    if not groups:
        return None
    counts = [*sorted({count for group in groups.values() for count in group if count is not None}), None]
    places = {count: place for place, count in enumerate(counts)}
    figure, axes = new_figure(3.6)
    ax, told = axes[0, 0], []
    for index, (name, group) in enumerate(sorted(groups.items())):
        found = sorted((places[count], content) for count, content in group.items())
        label = max((marked(name, content["recipe"]) for _, content in found), key=len)
        means, spreads = zip(*(mean_and_spread(errors_by_seed(content).values()) for _, content in found), strict=True)
        color, x = COLORS[index % len(COLORS)], [place for place, _ in found]
        ax.errorbar(x, means, yerr=spreads, fmt="o-", color=color, capsize=3, label=label)
        published = [(place, content["recipe"]["published_error"]) for place, content in found]
        published = [(place, error) for place, error in published if error is not None]
        if published:
            ax.plot(*zip(*published, strict=True), "D--", fillstyle="none", color=color, label=f"{name}, published")
        told.append(f"{label} {', '.join(f'{mean:.2f}' for mean in means)}")
    ax.set_xticks(range(len(counts)), ["all" if count is None else str(count) for count in counts])
    ax.margins(y=0.15)
    ax.set(xlabel="labels", ylabel="test error (%)", ylim=(0, None), xlim=(-0.3, len(counts) - 0.7))
    legend_below(figure, ax, columns=1)
    alt = f"Test error in percent, from the fewest labels to all: {'; '.join(told)}. {ASTERISK}."
    return Picture(figure, "Test error against the number of labels", alt)


def training_seconds(contents: Sequence[Content]) -> tuple[str, list[list[float]]]:
    """The seconds of the trainings of each recipe, on the device and backend of most runs.

    Args:
        contents: of results files.

    Returns:
        The device and backend, and a list per recipe, empty if it ran elsewhere.
    """

    def place(run):
        return f"{run.get('device', '–')}, {run.get('backend', '–')}"

    where = Counter(place(run) for content in contents for run in content["seeds"].values()).most_common(1)[0][0]
    return where, [
        [run["seconds_per_epoch"] * run["epochs"] for run in content["seeds"].values() if place(run) == where]
        for content in contents
    ]


def frontier(points: Mapping[str, tuple[float, float]]) -> set[str]:
    """The names of the points that no other point beats in both coordinates."""
    return {
        name
        for name, (x, y) in points.items()
        if not any(a <= x and b <= y and (a, b) != (x, y) for a, b in points.values())
    }
