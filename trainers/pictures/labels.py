"""Names next to points, placed so that they cover neither each other nor a point."""

import itertools
import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from trainers.pictures.style import INK

LENGTH = 18  # of a line of text
DISTANCES = (6, 10, 15, 21)  # from the point, in points of type
# Direction, and how the text is aligned there.
SIDES = (
    (1, 0, "left", "center"),
    (-1, 0, "right", "center"),
    (0, 1, "center", "bottom"),
    (0, -1, "center", "top"),
    (0.7, 0.7, "left", "bottom"),
    (-0.7, 0.7, "right", "bottom"),
    (0.7, -0.7, "left", "top"),
    (-0.7, -0.7, "right", "top"),
)


def overlap(box: Bbox, others: Collection[Bbox]) -> float:
    """The area that a box shares with others."""
    shared = (Bbox.intersection(box, other) for other in others)
    return sum(each.width * each.height for each in shared if each is not None)


def outside(box: Bbox, frame: Bbox) -> float:
    """The area of a box outside of a frame."""
    inside = Bbox.intersection(box, frame)
    return box.width * box.height - (0 if inside is None else inside.width * inside.height)


def distance_to(box: Bbox, point: np.ndarray) -> float:
    """The distance of a point from a box."""
    return float(np.hypot(*np.maximum(np.maximum(box.min - point, point - box.max), 0)))


def candidates(ax: Any, name: str, point: tuple[float, float], style: Mapping[str, Any]) -> Iterator[tuple[float, Any]]:
    """Writes a name at every place around a point; yields each distance with its text."""
    for distance, (x, y, horizontal, vertical) in itertools.product(DISTANCES, SIDES):
        text = ax.annotate(
            textwrap.fill(name, LENGTH),
            point,
            (distance * x, distance * y),
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            **style,
        )
        text.set_in_layout(False)
        yield distance, text


def place_labels(
    ax: Any,
    points: Mapping[str, tuple[float, float]],
    colors: Mapping[str, str],
    bold: Collection[str] = (),
    spreads: Mapping[str, float] | None = None,
    size: float = 9.5,
) -> dict[str, Bbox]:
    """Writes a name next to each point, nearer than to any other and where it covers least: no line has to lead to it.

    Args:
        ax: axes with their final limits, which show the points.
        points: `{name: (x, y)}`.
        colors: `{name: color}`; another name is in ink.
        bold: names to print in bold.
        spreads: `{name: length of its error bar, up and down}`, for bars that no text may cover.
        size: of the letters.

    Returns:
        `{name: box of its text, in pixels}`.
    """
    figure = ax.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # the layout fixes the axes
    pixels = {name: ax.transData.transform(point) for name, point in points.items()}
    radius, boxes = 4 * figure.dpi / 72, {}
    taken = [Bbox([place - radius, place + radius]) for place in pixels.values()]
    for name, spread in (spreads or {}).items():
        x, y = points[name]
        ends = ax.transData.transform([(x, y - spread), (x, y + spread)])
        taken.append(Bbox([ends[0] - 1, ends[1] + 1]))
    for name in sorted(points, key=lambda name: -points[name][1]):
        style = {"color": colors.get(name, INK), "fontweight": "bold" if name in bold else "normal", "fontsize": size}
        found = []
        for distance, text in candidates(ax, name, points[name], style):
            box = text.get_window_extent(renderer)
            others = [distance_to(box, place) for other, place in pixels.items() if other != name]
            doubt = max(0.0, distance_to(box, pixels[name]) + radius - min(others, default=np.inf))
            cost = overlap(box, taken) + 10 * outside(box, ax.bbox) + 50 * doubt + 1e-3 * distance
            found.append((cost, len(found), text, box))
        _, _, best, boxes[name] = min(found)
        for _, _, text, _ in found:
            if text is not best:
                text.remove()
        taken.append(boxes[name])
    return boxes


def crossings(boxes: Mapping[str, Bbox]) -> list[tuple[str, str]]:
    """The pairs of names whose texts overlap."""
    names = list(boxes)
    return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if overlap(boxes[a], [boxes[b]]) > 0]
