"""The range in which perturbed inputs have to stay."""

from typing import Any

from keras import ops

Tensor = Any  # a tensor of the backend


def check_input_range(input_range: Any) -> tuple[float, float] | None:
    """Returns `input_range` as a pair of floats, or None.

    Args:
        input_range: `(low, high)` with `low < high`, or None.

    Returns:
        A pair of floats, or None.

    Raises:
        ValueError: `input_range` is not an increasing pair of numbers.

    Example:
        >>> from zoo.regularizers.math.input_range import check_input_range
        >>> check_input_range([0, 1])
        (0.0, 1.0)
    """
    if input_range is None:
        return None
    try:
        low, high = (float(bound) for bound in input_range)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not low < high:
        raise ValueError(f"input_range must be None or an increasing pair (low, high), received {input_range!r}.")
    return low, high


def clip_to_range(x: Tensor, input_range: tuple[float, float] | None) -> Tensor:
    """Clips inputs to their range.

    Args:
        x: tensor of any shape.
        input_range: `(low, high)`, or None to return `x` unchanged.

    Returns:
        A tensor of the shape of `x`.

    Example:
        >>> from zoo.regularizers.math.input_range import clip_to_range
        >>> np.asarray(clip_to_range(np.array([-1.0, 0.5, 2.0]), (0, 1)))
        array([0. , 0.5, 1. ])
    """
    return x if input_range is None else ops.clip(x, *input_range)
