"""The test error of methods against what their training steps cost."""

from collections.abc import Mapping

from trainers.pictures.errors import frontier
from trainers.pictures.labels import place_labels
from trainers.pictures.style import BLUE, GRAY, GREEN, INK, PURPLE, RED, Picture, new_figure, styled
from trainers.results.method_table import ATTACKED as COLUMN
from trainers.results.method_table import METHODS, MethodTable
from trainers.results.statistics import mean_and_spread

FAMILIES = {
    "baseline": INK,
    "at": BLUE,
    "trades": BLUE,
    "vat": RED,
    "vmt": GREEN,
    "full": PURPLE,
    "adversarial": PURPLE,
}


def color_of(method: str) -> str:
    """The color of the family of a method."""
    return next((color for family, color in FAMILIES.items() if method.split("_")[0] == family), GRAY)


def points_of(methods: MethodTable) -> dict[str, tuple[float, tuple[float, float]]]:
    """`{method: (step time, (mean error, standard deviation))}` of the methods that have both."""
    found = {}
    for method in methods.methods:
        figure, ratio = methods.figure(COLUMN, method), methods.step_ratio(method)
        if figure is not None and ratio is not None:
            found[method] = ratio, mean_and_spread(figure.errors)
    return found


@styled
def error_by_cost(methods: MethodTable) -> Picture | None:
    """Draws the test error on MNIST against the time of a training step, as a multiple of the plain one.

    Args:
        methods: results and step times.

    Returns:
        A picture; None if fewer than two methods have both figures.
    """
    found = points_of(methods)
    if len(found) < 2:
        return None
    figure, axes = new_figure(4.2)
    ax = axes[0, 0]
    points = {METHODS[method]: (ratio, mean) for method, (ratio, (mean, _)) in found.items()}
    for method, (ratio, (mean, spread)) in found.items():
        ax.errorbar(ratio, mean, spread or None, fmt="o", color=color_of(method), markersize=6, elinewidth=1)
    best = frontier(points)
    ticks = [1, 2, 3, 4, 5, 6, 8, 10]
    largest = max(ratio for ratio, _ in points.values())
    ax.set(xscale="log", xlim=(0.85, 1.6 * largest), xlabel="time of a training step, plain step = 1")
    ax.set_xticks([tick for tick in ticks if tick < 1.6 * largest], minor=False)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.set(ylabel="test error (%)")
    ax.margins(y=0.14)
    spreads = {METHODS[method]: spread for method, (_, (_, spread)) in found.items()}
    place_labels(ax, points, {METHODS[method]: color_of(method) for method in found}, best, spreads)
    told = _told(points)
    return Picture(
        figure,
        f"Test error against cost. {COLUMN}",
        f"One point per method: the mean test error, with its standard deviation over the seeds, against the time of a "
        f"training step. Bold: no method is both cheaper and better. {methods.about_steps()} {told}.",
    )


def _told(points: Mapping[str, tuple[float, float]]) -> str:
    return ", ".join(f"{name} {ratio:.1f} and {error:.2f} %" for name, (ratio, error) in points.items())
