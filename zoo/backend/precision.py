"""Floating-point types."""

from typing import Any

import keras
from keras import ops

Tensor = Any  # a tensor of the backend


def at_least_single(tensor: Tensor) -> Tensor:
    """Casts a tensor in half precision to float32. Another tensor does not change.

    Args:
        tensor: floating-point tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> from zoo.backend.precision import at_least_single
        >>> keras.backend.standardize_dtype(at_least_single(keras.ops.ones(2, "bfloat16")).dtype)
        'float32'
    """
    half = keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16")
    return ops.cast(tensor, "float32") if half else tensor
