"""The masks that Keras attaches to outputs, by private names of Keras.

If a release of Keras renames one of them, one test fails.
"""

from typing import Any

import keras
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask

Tensor = Any  # a tensor of the backend


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
