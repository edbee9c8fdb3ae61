"""The arguments of `fit`, `evaluate` and `predict`."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from zoo.datasets import Batches, SemiSupervised
from zoo.training.inputs import split_inputs


def arguments_of(function: Callable, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call of a method by their names, without `self` and without defaults.

    Args:
        function: the method, as a function with an argument `self`.
        *args: positional arguments of the call.
        **kwargs: keyword arguments of the call.

    Example:
        >>> from zoo.training.arguments import arguments_of
        >>> arguments_of(keras.Model.fit, 1, epochs=3)
        {'x': 1, 'epochs': 3}
    """
    options = inspect.signature(function).bind(None, *args, **kwargs).arguments
    options.pop("self")
    options.update(options.pop("kwargs", {}))
    return options


def first_batch(data: Any) -> tuple[Any, Any] | None:
    """The first batch of a data set that can be read again.

    Args:
        data: the data, as `fit` takes it.

    Returns:
        Its inputs and labels, in arrays; None for a generator, which cannot be read again, and for arrays.

    Example:
        >>> from zoo.training.arguments import first_batch
        >>> first_batch(iter([])) is None
        True
    """
    if isinstance(data, keras.utils.PyDataset) and data.num_batches != 0:  # None if it has no end
        batch = data[0]
    elif hasattr(data, "element_spec") and hasattr(data, "take"):
        batch = next(iter(data.take(1)), None)
    else:
        return None
    return batch[:2] if isinstance(batch, tuple) and len(batch) > 1 else None


def shape_of(x: Any, batch: tuple[Any, Any] | None = None) -> Any:
    """The shape of a batch of labeled inputs, if the data of `fit` shows it before it is read; else None.

    Several inputs have a dictionary, list or tuple of shapes.

    Args:
        x: the inputs, as `fit` takes them.
        batch: the first batch of a `PyDataset`, see `first_batch`; None if it is not known.

    Example:
        >>> from zoo.training.arguments import shape_of
        >>> shape_of(np.zeros((50, 28, 28)))
        (None, 28, 28)
    """
    if isinstance(x, (Batches, SemiSupervised)):
        x = x.x
    elif isinstance(x, keras.utils.PyDataset):
        x = None if batch is None else split_inputs(batch[0])[0]
    elif isinstance(getattr(x, "element_spec", None), tuple):
        x = split_inputs(x.element_spec[0])[0]
    shapes: list[Any] = [getattr(leaf, "shape", None) for leaf in keras.tree.flatten(x)]
    known = all(shape is not None and len(shape) and None not in tuple(shape[1:]) for shape in shapes)
    if not shapes or not known or (not keras.tree.is_nested(x) and len(shapes[0]) < 2):
        return None
    return keras.tree.pack_sequence_as(x, [(None, *shape[1:]) for shape in shapes])
