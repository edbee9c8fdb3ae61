"""What layers return, and the masks that Keras attaches to it, by private names of Keras.

If a release of Keras renames one of them, one test fails.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask

Tensor = Any  # a tensor of the backend


@contextlib.contextmanager
def intercepted(layer: keras.Layer, change: Callable[[Tensor, Tensor | None], Tensor]) -> Iterator[None]:
    """A context in which a function changes what a layer returns.

    Args:
        layer: a built Keras layer.
        change: `(outputs, mask) -> outputs`. The mask is the one that Keras attaches to the outputs, `True` at the
            positions that count, or None. The changed outputs keep it.

    Example:
        >>> from zoo.backend.keras_masks import intercepted
        >>> layer = keras.layers.Identity()
        >>> with intercepted(layer, lambda outputs, mask: outputs + 1):
        ...     float(layer(keras.ops.ones(())))
        2.0
    """
    name = "quantized_call" if getattr(layer, "quantization_mode", None) else "call"
    function = getattr(layer, name)

    def call(*args, **kwargs):
        outputs = function(*args, **kwargs)
        if keras.tree.is_nested(outputs):
            return change(outputs, None)
        mask = get_keras_mask(outputs)
        if mask is None and args and not keras.tree.is_nested(args[0]):
            mask = layer.compute_mask(args[0], kwargs.get("mask", get_keras_mask(args[0])))
        outputs = change(outputs, mask)
        if mask is not None:
            set_keras_mask(outputs, mask)
        return outputs

    vars(layer)[name] = call  # not setattr, which would track it
    try:
        yield
    finally:
        del vars(layer)[name]


def masks_of(outputs: Any) -> list[Any]:
    """The masks that layers attached to outputs, and that Keras's losses read; None for an output without a mask.

    Args:
        outputs: tensor, or a nest of tensors.

    Example:
        >>> from zoo.backend.keras_masks import masks_of
        >>> [mask.shape.as_list() for mask in masks_of(keras.layers.Masking()(keras.ops.ones((3, 2, 4))))]
        [[3, 2]]
    """
    return [get_keras_mask(each) for each in keras.tree.flatten(outputs)]


def attach_masks(outputs: Any, masks: list[Any]) -> Any:
    """Outputs with masks of at least as many rows.

    Args:
        outputs: tensor, or a nest of tensors. They receive the masks.
        masks: result of `masks_of`.

    Example:
        >>> from zoo.backend.keras_masks import attach_masks, masks_of
        >>> masks_of(attach_masks(keras.ops.ones((2, 3)), [None]))
        [None]
    """
    for each, mask in zip(keras.tree.flatten(outputs), masks, strict=True):
        if mask is not None:
            set_keras_mask(each, mask[: keras.ops.shape(each)[0]])
    return outputs
