"""Decision boundaries in the plane."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba

from trainers.pictures.style import BLUE, GRAY, INK, RED, WIDTH, Picture, new_figure, styled, without_axes

SHADES = LinearSegmentedColormap.from_list("decision", [to_rgba(BLUE, 0.55), to_rgba(GRAY, 0.0), to_rgba(RED, 0.55)])


@styled
def decision_boundaries(
    probabilities: Mapping[str, np.ndarray],
    extent: tuple[float, float, float, float],
    points: np.ndarray,
    labeled: tuple[np.ndarray, np.ndarray],
    errors: Mapping[str, float],
    title: str,
) -> Picture:
    """Draws the decisions of several networks over the plane, and the points that they learned from.

    Args:
        probabilities: `{method: (rows, columns)}` of class 1 on a grid; the first row has the lowest second coordinate.
        extent: `(left, right, bottom, top)` of the grid.
        points: `(n, 2)`, without labels.
        labeled: `(m, 2)` points and `(m,)` labels.
        errors: `{method: test error in percent}`.
        title: of the data.
    """
    columns = 3
    rows, panel = -(-len(probabilities) // columns), WIDTH / columns
    height = panel * (extent[3] - extent[2]) / (extent[1] - extent[0])
    figure, axes = new_figure(rows * (height + 0.32), rows, columns)
    x, y = labeled
    for ax, (method, grid) in zip(axes.flat, probabilities.items(), strict=False):
        ax.imshow(grid, SHADES, vmin=0, vmax=1, extent=extent, origin="lower", interpolation="bilinear", aspect="auto")
        ax.contour(grid, [0.5], extent=extent, origin="lower", colors=[INK], linewidths=1.2)
        ax.scatter(*points.T, s=1, color=GRAY, alpha=0.6, rasterized=True)
        for label, marker, color in ((0, "o", BLUE), (1, "^", RED)):
            ax.scatter(*x[y == label].T, s=28, marker=marker, color=color, edgecolors="white", linewidths=0.7)
        ax.set_title(f"{method}\n{errors[method]:.1f} %", fontsize=9)
        ax.set(xlim=extent[:2], ylim=extent[2:])
        without_axes(ax)
    for ax in axes.flat[len(probabilities) :]:
        ax.remove()
    told = ", ".join(f"{method} {error:.1f}" for method, error in errors.items())
    return Picture(
        figure,
        f"Decision boundaries. {title}",
        f"One panel per method: the plane shaded by the predicted class, the line where it changes, {len(points)} "
        f"points without labels in gray, and {np.size(y)} labeled points as circles and triangles. Test error in "
        f"percent: {told}.",
    )
