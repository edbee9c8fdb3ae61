"""Settings that every level of a ladder has: z⁰, the input, and z¹ … z^L of its rungs."""

from zoo.ladder.combinators import COMBINATORS
from zoo.validation import check_choice, check_number


def check_length(what, values, num_levels):
    """Refuses a list that is not as long as the ladder is high.

    Raises:
        ValueError: with the length received and the one that fits.
    """
    if not isinstance(values, (list, tuple)) or len(values) != num_levels:
        raise ValueError(
            f"{what} must be a list of {num_levels} entries, one for the input and one for each of the "
            f"{num_levels - 1} rungs, received {values!r}."
        )
    return list(values)


def check_levels(what, values, num_levels, *, rest=None):
    """Numbers of at least 0 for z⁰ … z^L.

    Args:
        what: the argument's name.
        values: a list of L + 1 numbers, or one number.
        num_levels: L + 1.
        rest: what the rungs get where one number is given; None gives them the same number.

    Raises:
        TypeError, ValueError: a list of another length, or a number out of range.
    """
    if not isinstance(values, (list, tuple)):
        values = [values, *[values if rest is None else rest] * (num_levels - 1)]
    return [check_number(what, value, 0) for value in check_length(what, values, num_levels)]


def check_combinators(combinators, denoising_weights):
    """The combinator of each level that the costs need, None for the others.

    Args:
        combinators: a name for all levels, or a list of names and None for z⁰ … z^L.
        denoising_weights: λ_0 … λ_L. Levels below the lowest cost need no decoder.

    Raises:
        ValueError: a list of another length, an unknown name, or a level with a cost and no combinator.
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
                f"denoising_weights[{level}] is {weight!r} and combinators[{level}] is None; a cost needs a combinator."
            )
    lowest = next((level for level, weight in enumerate(denoising_weights) if weight), num_levels)
    return [None] * lowest + combinators[lowest:]
