"""The exact error of a linear classifier of two classes under attack."""

import numpy as np


def expected_percent(w, x, y, norm, epsilon):
    """An attack reaches the other side of a hyperplane if the margin is below ε in the dual norm."""
    dual = np.abs(w).sum() if norm == "linf" else np.linalg.norm(w)
    margins = (x @ w) * np.where(y == 1, 1, -1)
    return 100 * np.mean(margins < epsilon * dual)
