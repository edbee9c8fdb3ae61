"""What the decoder of a ladder learned: reconstructions, and the shapes of its combinators."""

from collections.abc import Mapping, Sequence

import numpy as np

from trainers.pictures.perturbations import show_image
from trainers.pictures.style import BLUE, COLORS, GRAY, Picture, new_figure, styled
from zoo.ladder.denoising import Level


def mean_square(values: np.ndarray) -> float:
    """The mean of the squared entries."""
    return float(np.mean(np.square(values)))


@styled
def reconstructions(levels: Sequence[Level], image_shape: tuple[int, ...], title: str, num_images: int = 6) -> Picture:
    """Draws clean, corrupted and denoised inputs, and the error of every level before and after denoising.

    Args:
        levels: from `zoo.ladder.denoising.denoise_levels`.
        image_shape: `(height, width, channels)` of the inputs, whose values are 0 to 1.
        title: of data and network.
        num_images: number of inputs to show.
    """
    figure, axes = new_figure(4.9, 4, num_images, height_ratios=[1, 1, 1, 2.4])
    for row, (name, images) in zip(axes[:3], zip(levels[0]._fields, levels[0], strict=True), strict=True):
        for ax, image in zip(row, images, strict=False):
            show_image(ax, image.reshape(image_shape))
        row[0].set_ylabel(name, fontsize=9)
    grid = axes[3, 0].get_gridspec()
    for ax in axes[3]:
        ax.remove()
    ax = figure.add_subplot(grid[3, :], facecolor="none")
    denoised = {index: level for index, level in enumerate(levels) if level.denoised is not None}
    before = [mean_square(level.corrupted - level.clean) for level in denoised.values()]
    after = [mean_square(level.denoised - level.clean) for level in denoised.values()]
    places = np.arange(len(denoised))
    ax.bar(places - 0.2, before, 0.4, color=GRAY, label="corrupted")
    ax.bar(places + 0.2, after, 0.4, color=BLUE, label="denoised")
    ax.set_xticks(places, [f"$z^{index}$" for index in denoised])
    ax.set(xlabel="level", ylabel="mean square\nfrom clean")
    ax.margins(y=0.25)
    ax.legend(ncols=2, fontsize=9, loc="upper right")
    told = ", ".join(f"{i}: {a:.3f} to {b:.3f}" for i, a, b in zip(denoised, before, after, strict=True))
    return Picture(
        figure,
        f"Ladder: denoised inputs, and the error of every level. {title}",
        "Rows of images: clean, corrupted, denoised. Bars: mean square difference from the clean path before and after "
        f"denoising, per level; level 0 is the input. {told}.",
    )


@styled
def combinators(curves: Mapping[int, np.ndarray], z: np.ndarray, signals: Sequence[float], title: str) -> Picture:
    """Draws `g(z̃, u)` of one unit per level, one line for each signal u.

    Args:
        curves: `{level: (number of signals, or 1, n)}` from `zoo.ladder.denoising.combinator_curves`.
        z: `(n,)`, values of z̃.
        signals: values of u.
        title: of data and network.
    """
    columns = 3
    rows = -(-len(curves) // columns)
    figure, axes = new_figure(1.65 * rows + 0.7, rows, columns, sharex=True)
    for ax, (level, lines) in zip(axes.flat, curves.items(), strict=False):
        ax.plot(z, z, color=GRAY, linewidth=0.8, linestyle=":")
        for line, signal, color in zip(lines, signals, COLORS, strict=False):
            ax.plot(z, line, color=color, label=f"u = {signal:g}" if len(lines) > 1 else "no u")
        ax.set_title(f"level {level}", fontsize=9)
    for ax in axes.flat[len(curves) :]:
        ax.remove()
    for ax in axes.flat[max(0, len(curves) - columns) : len(curves)]:
        ax.set_xlabel("$\\tilde z$")
        ax.tick_params(labelbottom=True)
    handles = {label: handle for ax in axes.flat for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    figure.supylabel("$g(\\tilde z, u)$", fontsize=10)
    slopes = {level: np.ptp(lines, axis=-1).mean() / np.ptp(z) for level, lines in curves.items()}
    told = ", ".join(f"level {level} {slope:.2f}" for level, slope in slopes.items())
    return Picture(
        figure,
        f"Ladder: combinators of one unit per level. {title}",
        "The denoised value as a function of the corrupted one, one line for each signal from above; dotted: identity. "
        f"Range of the denoised value divided by that of the corrupted one, mean over the signals: {told}.",
    )
