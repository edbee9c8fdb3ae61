"""Keeping perturbed inputs in their range."""

from keras import ops


def check_input_range(input_range):
    """Returns `input_range` as a pair of floats, or None.

    Raises:
        ValueError: it is no increasing pair of numbers.
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


def clip_to_range(x, input_range):
    """Clips `x` to `input_range`, a pair `(low, high)`; None returns it unchanged."""
    return x if input_range is None else ops.clip(x, *input_range)
