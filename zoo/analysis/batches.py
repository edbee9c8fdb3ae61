"""Functions of one batch after the other."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.programs import compile_program
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.validation import check_number


def map_batches(function: Callable[..., Any], *arrays: Any, batch_size: int = 500) -> Any:
    """Applies a function to one batch after the other.

    Args:
        function: maps a slice of each array to a tensor `(n, ...)` or a nest of them.
        *arrays: arrays of equal length, at least 1; or dictionaries, lists or tuples of them.
        batch_size: number of examples at a time, at least 1.

    Returns:
        The same nest of NumPy arrays over all examples.

    Raises:
        ValueError: there are no examples, the arrays have different lengths, or `batch_size` is out of range.

    Example:
        >>> from zoo.analysis.batches import map_batches
        >>> map_batches(lambda x: keras.ops.square(x), np.arange(4.0), batch_size=2)
        array([0., 1., 4., 9.])
    """
    given = [as_inputs(each) for each in arrays]
    lengths = [len(array) for array in keras.tree.flatten(given)]
    if min(lengths) < 1 or len(set(lengths)) > 1:
        raise ValueError(f"All arrays must have the same number of examples, at least 1, received {lengths}.")
    starts = range(0, lengths[0], check_number("batch_size", batch_size, 1, integer=True))
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
