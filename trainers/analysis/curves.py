"""The error of a classifier against the size of an attack."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoo import analysis
from zoo.analysis import Estimate

SEED = 0  # of random starts


def misclassified_by_size(
    network: Callable[..., Any],
    x: np.ndarray,
    y: np.ndarray,
    settings: Mapping[str, Any],
    move: Callable[[int], None] = lambda number: None,
) -> np.ndarray:
    """Which inputs a network misclassifies at some point of a ball around them, for balls of growing size.

    A misclassified point of a small ball is also in a larger one, so larger sizes attack only the inputs that resist.

    Args:
        network: from inputs to logits.
        x: inputs, `(n, ...)`.
        y: their labels, `(n,)`.
        settings: `attack`, growing `sizes`, `parts` (the options of each attack in turn), and `input_range`.
        move: called after each size.

    Returns:
        Booleans, `(sizes, n)`; size 0 is the clean error.
    """
    wrong, found = analysis.misclassified(network, x, y), []
    for size in settings["sizes"]:
        for options in settings["parts"] if size else ():
            left = np.flatnonzero(~wrong)
            if left.size:
                wrong[left] = analysis.misclassified_under_attack(
                    network,
                    x[left],
                    y[left],
                    settings["attack"],
                    size,
                    seed=SEED,
                    input_range=settings["input_range"],
                    **options,
                )
        found.append(wrong.copy())
        move(1)
    return np.stack(found)


def curve(
    network: Callable[..., Any],
    x: np.ndarray,
    y: np.ndarray,
    settings: Mapping[str, Any],
    move: Callable[[int], None] = lambda number: None,
) -> dict[str, Any]:
    """The entry of a curve in the file of a model.

    Args:
        network: from inputs to logits.
        x: test inputs.
        y: their labels.
        settings: as for `misclassified_by_size`, and `num_examples`.
        move: called after each size.
    """
    rows = slice(settings["num_examples"])
    scaled = Estimate.of(misclassified_by_size(network, x[rows], y[rows], settings, move), axis=1).scaled(100)
    return {
        "errors": [float(f"{error:.6g}") for error in scaled.mean],
        "standard_errors": [float(f"{error:.4g}") for error in scaled.standard_error],
        "settings": dict(settings),
    }
