"""What the arguments of `fit`, `evaluate` and `predict` say."""

import inspect
from collections.abc import Callable
from typing import Any

from zoo.datasets import Batches, SemiSupervised


def split_inputs(x: Any) -> tuple[Any, Any]:
    """The labeled and the unlabeled inputs of a batch; the latter are None if there are none."""
    if isinstance(x, dict) and set(x) == {"labeled", "unlabeled"}:
        return x["labeled"], x["unlabeled"]
    return x, None


def arguments_of(function: Callable, *args, **kwargs) -> dict[str, Any]:
    """The arguments of a call of a method by their names, without `self` and without defaults."""
    options = inspect.signature(function).bind(None, *args, **kwargs).arguments
    options.pop("self")
    options.update(options.pop("kwargs", {}))
    return options


def shape_of(x: Any) -> tuple[int | None, ...] | None:
    """The shape of a batch of labeled inputs, if `fit`'s data tells it without being read; else None."""
    if isinstance(x, (Batches, SemiSupervised)):
        return (None, *x.x.shape[1:])
    if hasattr(x, "element_spec") and isinstance(x.element_spec, tuple):
        x = split_inputs(x.element_spec[0])[0]
    shape = getattr(x, "shape", None)
    return (None, *shape[1:]) if shape is not None and len(shape) > 1 and None not in tuple(shape[1:]) else None
