"""Inputs of any structure, and functions of one batch after the other."""

import numbers
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.programs import compile_program

Tensor = Any  # a tensor of the backend, or a NumPy array


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
        >>> from zoo.analysis.batches import as_inputs
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
        >>> from zoo.analysis.batches import take_rows
        >>> take_rows({"age": np.arange(3)}, slice(1, None))
        {'age': array([1, 2])}
    """
    return keras.tree.map_structure(lambda each: each[rows], inputs)


def map_batches(function: Callable[..., Any], *arrays: Any, batch_size: int = 500) -> Any:
    """Applies a function to one batch after the other.

    Args:
        function: maps a slice of each array to a tensor `(n, ...)` or a nest of them.
        *arrays: arrays of equal length, at least 1; or dictionaries, lists or tuples of them.
        batch_size: number of examples at a time.

    Returns:
        The same nest of NumPy arrays over all examples.

    Raises:
        ValueError: there are no examples, or the arrays have different lengths.

    Example:
        >>> from zoo.analysis.batches import map_batches
        >>> map_batches(lambda x: keras.ops.square(x), np.arange(4.0), batch_size=2)
        array([0., 1., 4., 9.])
    """
    given = [as_inputs(each) for each in arrays]
    lengths = [len(array) for array in keras.tree.flatten(given)]
    if min(lengths) < 1 or len(set(lengths)) > 1:
        raise ValueError(f"All arrays must have the same number of examples, at least 1, received {lengths}.")
    starts = range(0, lengths[0], batch_size)
    slices = ([take_rows(each, slice(start, start + batch_size)) for each in given] for start in starts)
    batches = [keras.tree.map_structure(ops.convert_to_numpy, function(*each)) for each in slices]
    return keras.tree.map_structure(lambda *each: np.concatenate(each), *batches)


def compiled(function: Callable[..., Any], network: Any) -> Callable[..., Any]:
    """Compiles a function that runs a network, on JAX, where single operations are slow.

    Args:
        function: function of arrays. It must not draw random numbers or change the network.
        network: Keras network, which is run with its weights at each call; or any function of one tensor, which keeps
            the constants of the first call.

    Returns:
        A function with the same results.

    Example:
        >>> from zoo.analysis.batches import compiled
        >>> network = zoo.networks.mlp((4,), 3)
        >>> compiled(lambda x: network(x), network)(np.zeros((2, 4), "float32")).shape.as_list()
        [2, 3]
    """
    if keras.backend.backend() != "jax":
        return function
    return compile_program(function, getattr(network, "variables", ()))
