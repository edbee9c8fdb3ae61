"""Inputs as attacks take them: in floating point, with the range of their pixels."""

from typing import Any

import keras
from keras import ops

from zoo.regularizers.math.input_range import check_input_range

Tensor = Any  # a tensor of the backend, or a NumPy array
BYTES = (0.0, 255.0)


def as_floating(inputs: Any, input_range: Any = None) -> tuple[Tensor, tuple[float, float] | None]:
    """Inputs in floating point, and the range in which their perturbations stay.

    Args:
        inputs: `(n, ...)`. Integers are cast to floating point, because they cannot be moved by less than 1.
        input_range: `(low, high)` of valid inputs, or None. None means 0 to 255 for inputs in uint8, and no bounds for
            others.

    Returns:
        A tensor, and `(low, high)` or None.

    Raises:
        ValueError: `input_range` is not an increasing pair.

    Example:
        >>> from zoo.analysis.attacks.inputs import as_floating
        >>> as_floating(np.zeros((1, 2), "uint8"))[1]
        (0.0, 255.0)
    """
    x: Any = ops.convert_to_tensor(inputs)
    dtype = keras.backend.standardize_dtype(x.dtype)
    input_range = check_input_range(input_range)
    if dtype == "uint8" and input_range is None:
        input_range = BYTES
    return (x if keras.backend.is_float_dtype(dtype) else ops.cast(x, keras.config.floatx())), input_range
