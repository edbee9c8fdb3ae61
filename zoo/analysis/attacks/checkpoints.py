"""The steps at which APGD looks whether its step size still fits."""

import math

import numpy as np

FIRST_CHECK, SHORTENING, SHORTEST = 0.22, 0.03, 0.06  # of the number of steps


def checkpoints(num_steps: int) -> list[int]:
    """The steps at which APGD may halve its step size: `w_j = ⌈p_j·N⌉`.

    `p_0 = 0`, `p_1 = 0.22`, `p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06)`.

    Args:
        num_steps: N, at least 1.

    Returns:
        w_1, w_2, ... up to N.

    Example:
        >>> from zoo.analysis.attacks.checkpoints import checkpoints
        >>> checkpoints(100)
        [22, 41, 57, 70, 80, 87, 93, 99]
    """
    before, share, found = 0.0, FIRST_CHECK, []
    while share <= 1:
        found.append(math.ceil(share * num_steps - 1e-9))
        before, share = share, share + max(share - before - SHORTENING, SHORTEST)
    return found


def check_lengths(num_steps: int) -> np.ndarray:
    """For each step the number of steps since the last checkpoint, if the step is one, else 0; `(N + 1,)`."""
    found, last = np.zeros(num_steps + 1, "int32"), 0
    for step in checkpoints(num_steps):
        found[step], last = step - last, step
    return found
