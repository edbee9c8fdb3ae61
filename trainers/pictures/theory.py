"""Measured penalties of small perturbations, compared with theory."""

from collections.abc import Mapping

import numpy as np

from trainers.pictures.style import COLORS, GRAY, Picture, new_figure, styled
from zoo.analysis import Estimate

NAMES = {
    "noise": r"noise: E‖h − h̃‖² / ε²‖J‖²",
    "adversarial": r"worst: max ‖h − h̃‖² / ε²λ(JᵀJ)",
    "vat": r"VAT: max KL / ½ε²λ(F)",
    "gaussian_vat": r"VAT, Gaussian outputs",
}
LINES = ("-", "--", "-", ":")


@styled
def limit_ratios(ratios: Mapping[str, tuple[np.ndarray, Estimate]], title: str) -> Picture:
    """Draws measured penalties divided by their limits for small perturbations, against ε.

    Args:
        ratios: `{statement: (epsilons, estimate of arrays)}`, from `zoo.analysis.limit_ratios`.
        title: of data and network.
    """
    figure, axes = new_figure(4.0)
    ax, told = axes[0, 0], []
    ax.axhline(1, color=GRAY, linewidth=1)
    for (name, (epsilons, ratio)), color, line in zip(ratios.items(), COLORS, LINES, strict=False):
        error = np.nan_to_num(ratio.standard_error)
        ax.plot(epsilons, ratio.mean, color=color, linestyle=line, marker="o", markersize=3, label=NAMES[name])
        ax.fill_between(epsilons, ratio.mean - error, ratio.mean + error, color=color, alpha=0.25, linewidth=0)
        told.append(f"{name} {ratio.mean[0]:.3g} at the smallest ε and {ratio.mean[-1]:.3g} at the largest")
    ax.set(xscale="log", yscale="log", xlabel="ε", ylabel="measured / limit")
    figure.legend(loc="outside lower center", ncols=1)
    return Picture(
        figure,
        f"Penalties divided by their limits for small perturbations. {title}",
        f"Lines against ε, both axes logarithmic; theory predicts 1 for small ε: {'; '.join(told)}.",
    )
