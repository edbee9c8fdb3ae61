"""Argument checks. Their errors name the value received, what is allowed and the nearest right name."""

import difflib
import inspect
import math
import numbers
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

LONGEST_LIST = 600  # characters of allowed names in a message; of more names it gives the nearest only


def did_you_mean(value: Any, allowed: Iterable[str], most: int = 3) -> str:
    """Asks for the names that resemble a wrong one.

    Args:
        value: the wrong name.
        allowed: the right names.
        most: largest number of names.

    Returns:
        A sentence that begins with a space; empty if no name resembles the wrong one.

    Example:
        >>> from zoo.validation import did_you_mean
        >>> did_you_mean("rotate", ["rotation", "scale", "translate"])
        " Did you mean 'rotation' or 'translate'?"
    """
    near = [repr(name) for name in difflib.get_close_matches(str(value), allowed, n=most, cutoff=0.4)]
    if not near:
        return ""
    *others, last = near
    return f" Did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def check_choice(what: str, value: Any, allowed: Iterable[str], listed_by: str = "") -> str:
    """Returns `value` if it is one of `allowed`.

    Args:
        what: name of the choice in the message, e.g. `"recipe"`.
        value: the value received.
        allowed: the allowed strings.
        listed_by: the command or call that lists the allowed strings. The message then names it instead of all strings.

    Returns:
        `value`.

    Raises:
        ValueError: `value` is not allowed. The message gives the nearest allowed string and all of them; the three
            nearest if they are many or listed elsewhere.

    Example:
        >>> from zoo.validation import check_choice
        >>> check_choice("norm", "l2", ["l1", "l2"])
        'l2'
        >>> check_choice("mean", "geometrical", ["arithmetic", "geometric"])
        Traceback (most recent call last):
        ValueError: Unknown mean 'geometrical'. Did you mean 'geometric'? Allowed: 'arithmetic', 'geometric'.
    """
    allowed = sorted(allowed)
    if value in allowed:
        return value
    names = ", ".join(map(repr, allowed))
    if not listed_by and len(names) <= LONGEST_LIST:
        raise ValueError(f"Unknown {what} {value!r}.{did_you_mean(value, allowed, 1)} Allowed: {names}.")
    listed = f"`{listed_by}` lists all {len(allowed)}" if listed_by else f"{len(allowed)} names are allowed"
    raise ValueError(f"Unknown {what} {value!r}.{did_you_mean(value, allowed)} {listed}.")


def check_options(
    what: str, options: Collection[str], function: Callable[..., Any], given: Collection[str] = ()
) -> None:
    """Checks that a function can be called with the keyword arguments that a recipe names.

    Args:
        what: name in the messages of what the function makes, e.g. `"max_pool"`.
        options: names of the keyword arguments.
        function: the function or class that takes them.
        given: names of the arguments that the caller passes itself.

    Raises:
        ValueError: a name is unknown, or a required argument is missing.

    Example:
        >>> from zoo.validation import check_options
        >>> def pool(size, stride=1): ...
        >>> check_options("max_pool", {"size": 2}, pool)
        >>> check_options("max_pool", {"stride": 2}, pool)
        Traceback (most recent call last):
        ValueError: max_pool lacks size; received stride.
    """
    parameters = inspect.signature(function).parameters.values()
    named = {p.name: p for p in parameters if p.name not in given and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    for option in options:
        check_choice(f"option of {what}", option, named)
    needed = [name for name, parameter in named.items() if parameter.default is parameter.empty]
    if missing := [name for name in needed if name not in options]:
        raise ValueError(f"{what} lacks {', '.join(missing)}; received {', '.join(options) or 'no options'}.")


def check_number(
    what: str,
    value: Any,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    *,
    above: float | None = None,
    integer: bool = False,
) -> Any:
    """Returns `value` if it is a finite number in the allowed range.

    Args:
        what: name of the argument in the messages.
        value: the value received.
        minimum: inclusive lower bound.
        maximum: inclusive upper bound.
        above: exclusive lower bound, in place of `minimum`.
        integer: whether the number must be an integer.

    Returns:
        `value`, unchanged.

    Raises:
        TypeError: `value` is not a number, or not an integer although `integer` is set.
        ValueError: `value` is out of range, infinite or NaN.

    Example:
        >>> from zoo.validation import check_number
        >>> check_number("epochs", 5, 1, integer=True)
        5
        >>> check_number("dropout", 1.5, 0, 1)
        Traceback (most recent call last):
        ValueError: dropout must be at least 0 and at most 1, received 1.5.
    """
    kind = numbers.Integral if integer else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{what} must be {'an integer' if integer else 'a number'}, received {value!r}.")
    number: Any = value  # `numbers.Real` declares no comparison with a float
    if not (minimum <= number <= maximum and math.isfinite(number) and (above is None or number > above)):
        lower = f"above {above}" if above is not None else f"at least {minimum}" if minimum > -math.inf else ""
        upper = f"at most {maximum}" if maximum < math.inf else ""
        allowed = " and ".join(bound for bound in (lower, upper) if bound) or "finite"
        raise ValueError(f"{what} must be {allowed}, received {value!r}.")
    return value


def class_indices(labels: Any) -> np.ndarray:
    """Returns labels as an array of shape `(n,)`.

    Args:
        labels: class indices, `(n,)` or `(n, 1)`, or one-hot rows, `(n, num_classes)`.

    Raises:
        ValueError: the shape is another one, or rows are not one-hot.

    Example:
        >>> from zoo.validation import class_indices
        >>> class_indices([[3], [1]])
        array([3, 1])
        >>> class_indices([[0.0, 1.0], [1.0, 0.0]])
        array([1, 0])
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] > 1 and np.array_equal(labels, np.eye(labels.shape[1])[labels.argmax(-1)]):
        return labels.argmax(axis=-1)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(
            f"Labels must be class indices of shape (n,) or (n, 1), or one-hot rows, received shape {labels.shape}."
        )
    return labels


def as_lattice_shape(lattice_shape: Any) -> tuple[int, ...] | None:
    """The lengths of the axes of a lattice as a tuple, or None.

    Args:
        lattice_shape: lengths of at least 2, or None.

    Raises:
        TypeError: it is no tuple or list of integers.
        ValueError: a length is less than 2.

    Example:
        >>> from zoo.validation import as_lattice_shape
        >>> as_lattice_shape([28, 28])
        (28, 28)
    """
    if lattice_shape is None:
        return None
    if not isinstance(lattice_shape, (tuple, list)):
        raise TypeError(f"lattice_shape must be a tuple of lengths, such as (28, 28), received {lattice_shape!r}.")
    return tuple(check_number("each length in lattice_shape", each, 2, integer=True) for each in lattice_shape)
