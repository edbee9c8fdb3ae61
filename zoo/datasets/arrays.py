"""Inputs and targets of examples as arrays, or as dictionaries of arrays."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


def check_pair(x: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Returns inputs and targets as arrays of equal length.

    Args:
        x: `(n, ...)` inputs, n at least 1; or a dictionary of them.
        y: `(n, ...)` targets.

    Raises:
        ValueError: the lengths differ, or are 0.

    Example:
        >>> from zoo.datasets.arrays import check_pair
        >>> check_pair([[0.0], [1.0]], [0, 1])[1]
        array([0, 1])
    """
    x, y = as_arrays(x), np.asarray(y)
    lengths = [len(each) for each in keras.tree.flatten(x)]
    if set(lengths) != {len(y)} or not len(y):
        received = ", ".join(map(str, lengths))
        raise ValueError(f"x and y must have the same length, at least 1, received {received} and {len(y)}.")
    return x, y


def as_arrays(x: Any) -> Any:
    """Inputs as an array, or as a dictionary of arrays.

    Args:
        x: anything that NumPy takes for an array, or a dictionary of such.

    Example:
        >>> from zoo.datasets.arrays import as_arrays
        >>> as_arrays({"age": [1, 2]})
        {'age': array([1, 2])}
    """
    return {name: np.asarray(each) for name, each in x.items()} if isinstance(x, Mapping) else np.asarray(x)


def num_rows(x: Any) -> int:
    """The number of examples in an array or a dictionary of arrays.

    Args:
        x: as `as_arrays` returns it.

    Example:
        >>> from zoo.datasets.arrays import num_rows
        >>> num_rows({"age": np.array([1, 2])})
        2
    """
    return len(keras.tree.flatten(x)[0])
