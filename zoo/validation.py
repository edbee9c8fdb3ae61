"""Checks of arguments whose errors name the value received, what is allowed and the nearest right name."""

import difflib
import inspect
import math
import numbers

import numpy as np


def check_choice(what, value, allowed):
    """Returns `value` when it is one of `allowed`.

    Args:
        what: what is being chosen, as the message should call it, e.g. `"recipe"`.
        value: the value received.
        allowed: iterable of the allowed strings.

    Raises:
        ValueError: with the value, the nearest allowed name and all allowed names.
    """
    allowed = sorted(allowed)
    if value in allowed:
        return value
    near = difflib.get_close_matches(str(value), allowed, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown {what} {value!r}.{hint} Allowed: {', '.join(map(repr, allowed))}.")


def check_options(what, options, function, given=()):
    """Checks the keyword arguments that data names for a function.

    Args:
        what: what the function makes, as the messages should call it, e.g. `"max_pool"`.
        options: names of the arguments.
        function: the function or class that takes them.
        given: names of arguments that it gets otherwise.

    Raises:
        ValueError: an unknown name, with the nearest one, or one that is needed and missing.
    """
    parameters = inspect.signature(function).parameters.values()
    named = {p.name: p for p in parameters if p.name not in given and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    for option in options:
        check_choice(f"option of {what}", option, named)
    needed = [name for name, parameter in named.items() if parameter.default is parameter.empty]
    if missing := [name for name in needed if name not in options]:
        raise ValueError(f"{what} lacks {', '.join(missing)}; received {', '.join(options) or 'no options'}.")


def check_number(what, value, minimum=-math.inf, maximum=math.inf, *, above=None, integer=False):
    """Returns `value` when it is a finite number in the allowed range.

    Args:
        what: the argument's name.
        value: the value received.
        minimum, maximum: inclusive bounds.
        above: exclusive lower bound, in place of `minimum`.
        integer: whether only whole numbers are allowed.

    Raises:
        TypeError: the value is no number, or not whole where `integer` asks for it.
        ValueError: it is outside the range, infinite or NaN.
    """
    kind = numbers.Integral if integer else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{what} must be {'an integer' if integer else 'a number'}, received {value!r}.")
    inside = minimum <= value <= maximum and math.isfinite(value) and (above is None or value > above)
    if not inside:
        lower = f"above {above}" if above is not None else f"at least {minimum}" if minimum > -math.inf else ""
        upper = f"at most {maximum}" if maximum < math.inf else ""
        allowed = " and ".join(part for part in (lower, upper) if part) or "finite"
        raise ValueError(f"{what} must be {allowed}, received {value!r}.")
    return value


def class_indices(labels):
    """Labels as an array of shape `(n,)`.

    Args:
        labels: class indices, `(n,)` or `(n, 1)`.

    Raises:
        ValueError: another shape, such as that of one-hot labels.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"Labels must be class indices of shape (n,) or (n, 1), received shape {labels.shape}.")
    return labels
