"""Floating-point types."""

from typing import Any

import keras
from keras import ops


def at_least_single(tensor: Any) -> Any:
    """A tensor in float32 if it is in half precision, else as it is."""
    half = keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16")
    return ops.cast(tensor, "float32") if half else tensor
