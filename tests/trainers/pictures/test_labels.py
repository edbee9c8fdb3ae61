"""Names next to points cover neither each other nor another point."""

import numpy as np
import pytest

from trainers.pictures.labels import crossings, distance_to, overlap, place_labels
from trainers.pictures.style import new_figure, styled


@styled
def placed(points):
    ax = new_figure(4.2)[1][0, 0]
    ax.scatter(*zip(*points.values(), strict=True), s=36)
    ax.set(xlim=(0, 8), ylim=(0, 8))
    return ax, place_labels(ax, points, {})


@pytest.mark.parametrize("seed", range(5))
def test_names_of_random_points_do_not_overlap(seed):
    rng = np.random.default_rng(seed)
    points = {f"method {index}": tuple(rng.uniform(1, 7, size=2)) for index in range(10)}
    ax, boxes = placed(points)
    assert crossings(boxes) == []
    for name, point in points.items():
        place = ax.transData.transform(point)
        assert not any(box.contains(*place) for other, box in boxes.items() if other != name)
        assert ax.bbox.contains(*boxes[name].min) and ax.bbox.contains(*boxes[name].max)


def test_a_name_is_nearest_to_its_own_point():
    """Two points near the right edge, whose names are wider than the space next to them."""
    points = {"ladder network": (6.6, 2.0), "ladder, adversarial noise": (7.2, 2.6)}
    ax, boxes = placed(points)
    for name, box in boxes.items():
        distances = {other: distance_to(box, ax.transData.transform(point)) for other, point in points.items()}
        assert min(distances, key=distances.get) == name


def test_a_name_is_next_to_its_point():
    ax, boxes = placed({"left": (0.1, 4.0), "right": (7.9, 4.0)})
    left, right = (ax.transData.transform(point) for point in ((0.1, 4.0), (7.9, 4.0)))
    assert 0 < boxes["left"].x0 - left[0] < 20 and 0 < right[0] - boxes["right"].x1 < 20


def test_names_leave_error_bars_free():
    points = {"middle": (4.0, 4.0), "above": (4.0, 4.6)}
    ax = new_figure(4.2)[1][0, 0]
    ax.set(xlim=(0, 8), ylim=(0, 8))
    boxes = place_labels(ax, points, {}, spreads={"middle": 3.0})
    column = ax.transData.transform((4.0, 4.0))[0]
    assert not any(box.x0 <= column <= box.x1 for box in boxes.values())


def test_overlapping_names_are_noticed():
    _, boxes = placed({"one": (4.0, 4.0)})
    assert crossings({"one": boxes["one"], "two": boxes["one"].translated(1, 1)}) == [("one", "two")]
    assert overlap(boxes["one"], [boxes["one"].translated(500, 0)]) == 0
