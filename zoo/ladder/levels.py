"""Settings of the levels of a ladder: z⁰, the input, and z¹ … z^L of its rungs."""

from collections.abc import Sequence
from typing import Any

from zoo.ladder.combinators import COMBINATORS
from zoo.validation import check_choice, check_number


def check_length(what: str, values: Any, num_levels: int) -> list:
    """Refuses a list with another length than the number of levels.

    Args:
        what: name of the argument in the message.
        values: the list received.
        num_levels: L + 1.

    Returns:
        The values as a list.

    Raises:
        ValueError: the list has another length.

    Example:
        >>> from zoo.ladder.levels import check_length
        >>> check_length("denoising_weights", (1.0, 0.1), 2)
        [1.0, 0.1]
    """
    if not isinstance(values, (list, tuple)) or len(values) != num_levels:
        raise ValueError(
            f"{what} must be a list of {num_levels} entries, one for the input and one for each of the "
            f"{num_levels - 1} rungs, received {values!r}."
        )
    return list(values)


def check_levels(what: str, values: Any, num_levels: int, *, rest: float | None = None) -> list[float]:
    """Returns a number of at least 0 for each level.

    Args:
        what: name of the argument in the message.
        values: a list of L + 1 numbers, or one number.
        num_levels: L + 1.
        rest: the number for the rungs if `values` is one number; None uses the same number.

    Returns:
        L + 1 numbers.

    Raises:
        TypeError: a value is not a number.
        ValueError: the list has another length, or a number is negative.

    Example:
        >>> from zoo.ladder.levels import check_levels
        >>> check_levels("noise_std", 0.3, 3), check_levels("labeled", 0.3, 3, rest=0.0)
        ([0.3, 0.3, 0.3], [0.3, 0.0, 0.0])
    """
    if not isinstance(values, (list, tuple)):
        values = [values, *[values if rest is None else rest] * (num_levels - 1)]
    return [check_number(what, value, 0) for value in check_length(what, values, num_levels)]


def check_combinators(combinators: Any, denoising_weights: Sequence[float]) -> list[str | None]:
    """The combinator of each level that the costs need, and None for the other levels.

    Args:
        combinators: one name for all levels, or a list of names and None for z⁰ … z^L.
        denoising_weights: λ_0 … λ_L. Levels below the lowest cost need no decoder.

    Returns:
        L + 1 names or None.

    Raises:
        ValueError: the list has another length, a name is unknown, or a level with a cost has no combinator.

    Example:
        >>> from zoo.ladder.levels import check_combinators
        >>> check_combinators("gauss", [0.0, 0.0, 1.0])
        [None, None, 'gauss']
    """
    num_levels = len(denoising_weights)
    if not isinstance(combinators, (list, tuple)):
        combinators = [combinators] * num_levels
    combinators = check_length("combinators", combinators, num_levels)
    for level, (name, weight) in enumerate(zip(combinators, denoising_weights, strict=True)):
        if name is not None:
            check_choice(f"combinators[{level}]", name, COMBINATORS)
        elif weight:
            raise ValueError(
                f"denoising_weights[{level}] is {weight!r} and combinators[{level}] is None. A level with a cost needs "
                "a combinator."
            )
    lowest = next((level for level, weight in enumerate(denoising_weights) if weight), num_levels)
    return [None] * lowest + combinators[lowest:]
