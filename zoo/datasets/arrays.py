"""Inputs and targets of examples as arrays, or as dictionaries, lists or tuples of arrays."""

import numbers
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops


def check_pair(x: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Returns inputs and targets as arrays of equal length.

    Args:
        x: `(n, ...)` inputs, n at least 1; or a dictionary of them.
        y: `(n, ...)` targets.

    Raises:
        TypeError: the targets are those of several outputs.
        ValueError: the lengths differ, or are 0.

    Example:
        >>> from zoo.datasets.arrays import check_pair
        >>> check_pair([[0.0], [1.0]], [0, 1])[1]
        array([0, 1])
    """
    if isinstance(y, Mapping):
        raise TypeError(
            f"y must be an array, the labels of one output, received a dictionary of {', '.join(map(repr, y))}. Pass "
            "labels of several outputs to fit, as arrays or in a tf.data set."
        )
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


def as_inputs(inputs: Any) -> Any:
    """Inputs as arrays: one, or several in a dictionary, list or tuple.

    Args:
        inputs: array, tensor or nested lists of numbers; or a dictionary, list or tuple of arrays, tensors or columns
            of pandas.

    Returns:
        The same structure of arrays and tensors.

    Raises:
        ValueError: an input is no array, but for example a data set.

    Example:
        >>> from zoo.datasets.arrays import as_inputs
        >>> as_inputs([[1.0, 2.0]]).shape, [each.shape for each in as_inputs([np.ones((3, 1)), np.ones((3, 2))])]
        ((1, 2), [(3, 1), (3, 2)])
    """
    if not keras.tree.is_nested(inputs) or all(isinstance(e, numbers.Number) for e in keras.tree.flatten(inputs)):
        return _as_array(inputs)
    return keras.tree.map_structure(_as_array, inputs)


def _as_array(values):
    if ops.is_tensor(values):
        return values
    array = np.asarray(values)
    if not array.ndim and array.dtype == object:
        raise ValueError(
            f"Inputs and labels are arrays, received a {type(values).__name__}. Of a tf.data set pass arrays, such as "
            "those of next(iter(data.batch(1000)))."
        )
    return array


def take_rows(inputs: Any, rows: Any) -> Any:
    """Some examples of inputs.

    Args:
        inputs: array, or a dictionary, list or tuple of arrays.
        rows: slice, or array of indices.

    Returns:
        The same structure.

    Example:
        >>> from zoo.datasets.arrays import take_rows
        >>> take_rows({"age": np.arange(3)}, slice(1, None))
        {'age': array([1, 2])}
    """
    return keras.tree.map_structure(lambda each: each[rows], inputs)
