"""Errors at the end of training: per method, against the number of labels, and against time."""

import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from trainers.pictures.curves import METHODS, Content, method_of
from trainers.pictures.style import BLUE, COLORS, GREY, INK, RED, Picture, legend_below, new_figure, styled
from trainers.results.statistics import mean_and_spread
from trainers.results.tables import errors_by_seed

TRAINING = ("dataset", "preprocessing", "optimizer", "learning_rate", "schedule", "epochs")
LABELS_IN_NAME = re.compile(r"(?<=[-_])(?:\d+|all)_|_\d+$")


def mean_error(content: Content) -> float:
    """The mean test error in percent over the seeds."""
    return statistics.mean(errors_by_seed(content).values())


@styled
def errors_by_method(contents: Iterable[Content], title: str) -> Picture:
    """Draws the test errors of the recipes of a table, the lowest mean on top.

    Each row has a dot per seed, the mean with the standard deviation, and the published error.

    Args:
        contents: of results files.
        title: of the data.
    """
    ordered = sorted(contents, key=lambda content: -mean_error(content))
    figure, axes = new_figure(1.2 + 0.23 * len(ordered))
    ax = axes[0, 0]
    for place, content in enumerate(ordered):
        errors, published = list(errors_by_seed(content).values()), content["recipe"]["published_error"]
        mean, spread = mean_and_spread(errors)
        ax.scatter(errors, [place] * len(errors), s=12, color=GREY, alpha=0.7, label="one seed")
        ax.errorbar(mean, place, xerr=spread, fmt="o", markersize=5, color=BLUE, capsize=2.5, label="mean ± s.d.")
        if published is not None:
            ax.plot(published, place, "D", markersize=6, fillstyle="none", color=RED, label="published")
    ax.set_yticks(range(len(ordered)), [method_of(content["recipe"]["name"]) for content in ordered])
    ax.set(xlabel="test error (%)", xlim=(0, None), ylim=(-0.7, len(ordered) - 0.3))
    unique = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=3)
    told = [f"{method_of(content['recipe']['name'])} {mean_error(content):.2f}" for content in reversed(ordered)]
    return Picture(figure, f"Test error of every method. {title}", f"Mean test error in percent: {', '.join(told)}.")


def by_labels(contents: Iterable[Content]) -> dict[str, dict[int | None, Content]]:
    """Groups recipes that differ only in the number of labels, and perhaps in hyperparameters of the method.

    Recipes in a group share the fields of `TRAINING`, such as epochs, optimizer and preprocessing.

    Args:
        contents: of results files.

    Returns:
        `{name without the number: {number of labels, or None for all: content}}`, for groups with at least two numbers.
    """
    groups = defaultdict(dict)
    for content in contents:
        recipe = content["recipe"]
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
        means, spreads = zip(*(mean_and_spread(errors_by_seed(content).values()) for _, content in found), strict=True)
        color, x = COLORS[index % len(COLORS)], [place for place, _ in found]
        ax.errorbar(x, means, yerr=spreads, fmt="o-", color=color, capsize=3, label=name)
        published = [(place, content["recipe"]["published_error"]) for place, content in found]
        published = [(place, error) for place, error in published if error is not None]
        if published:
            ax.plot(*zip(*published, strict=True), "D--", fillstyle="none", color=color, label=f"{name}, published")
        told.append(f"{name} {', '.join(f'{mean:.2f}' for mean in means)}")
    ax.set_xticks(range(len(counts)), ["all" if count is None else str(count) for count in counts])
    ax.set(xlabel="labels", ylabel="test error (%)", ylim=(0, None), xlim=(-0.3, len(counts) - 0.7))
    legend_below(figure, ax, columns=1)
    alt = f"Test error in percent, from the fewest labels to all: {'; '.join(told)}."
    return Picture(figure, "Test error against the number of labels", alt)


def on_one_device(contents: Iterable[Content]) -> tuple[tuple[str, str], dict[str, list[Mapping[str, Any]]]]:
    """The device and backend of most runs, and the runs on it: `{recipe name: [run, …]}`."""
    runs = [(content["recipe"]["name"], run) for content in contents for run in content["seeds"].values()]
    where = Counter((run.get("device", "–"), run.get("backend", "–")) for _, run in runs).most_common(1)[0][0]
    kept = defaultdict(list)
    for name, run in runs:
        if (run.get("device", "–"), run.get("backend", "–")) == where:
            kept[name].append(run)
    return where, kept


def frontier(points: Mapping[str, tuple[float, float]]) -> set[str]:
    """The names of the points that no other point beats in both coordinates."""
    return {
        name
        for name, (x, y) in points.items()
        if not any(a <= x and b <= y and (a, b) != (x, y) for a, b in points.values())
    }


def label_in_margin(ax: Any, points: Mapping[str, tuple[float, float]], bold: Collection[str]) -> None:
    """Lists the names of points to the right of the axes, and draws a thin line from each name to its point.

    Args:
        ax: axes that show the points.
        points: `{name: (x, y)}`.
        bold: names to print in bold.
    """
    top, gap, place = ax.get_ylim()[1], 0.06, -0.06
    for name, (x, y) in sorted(points.items(), key=lambda item: item[1][1]):
        place = max(y / top, place + gap)
        color, weight = METHODS.get(name, (INK,))[0], "bold" if name in bold else "normal"
        leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "relpos": (0, 0.5)}
        options = {"textcoords": "axes fraction", "va": "center", "color": color, "fontweight": weight}
        ax.annotate(name, (x, y), (1.03, place), arrowprops=leader, fontsize=8.5, **options)


@styled
def error_by_time(contents: Sequence[Content], title: str) -> Picture:
    """Draws the test error against the seconds of a training, with all members of an ensemble.

    The picture shows the runs on the device that most runs used. It names the methods of `METHODS`, and those that no
    other method beats in both error and time.

    Args:
        contents: of results files.
        title: of the data.
    """
    (device, backend), runs = on_one_device(contents)
    points = {}
    figure, axes = new_figure(4.2)
    ax = axes[0, 0]
    for name, found in runs.items():
        error, spread = mean_and_spread(run["errors"]["test"] for run in found)
        times = [run["seconds_per_epoch"] * run["epochs"] for run in found]
        seconds = statistics.median(times)
        unevenness = [[seconds - min(times)], [max(times) - seconds]]
        color = METHODS.get(method_of(name), (GREY,))[0]
        ax.errorbar(seconds, error, spread, unevenness, "o", color=color, markersize=4.5, elinewidth=0.8, alpha=0.9)
        points[method_of(name)] = (seconds, error)
    best = frontier(points)
    ax.set(xlabel="seconds of training", ylabel="test error (%)", xlim=(0, None), ylim=(0, None))
    label_in_margin(ax, {name: point for name, point in points.items() if name in best or name in METHODS}, best)
    told = ", ".join(f"{name} {seconds:.3g} s {error:.2f} %" for name, (seconds, error) in sorted(points.items()))
    return Picture(
        figure,
        f"Test error against training time. {title}",
        f"Mean ± standard deviation of the error over seeds, median and range of the seconds, on {device}, {backend}, "
        f"shared with other programs. Bold: no method is both faster and better. {told}.",
    )
