"""Networks with several outputs: the head that penalties look at."""

from collections.abc import Sequence
from typing import Any

from zoo.validation import check_choice

Head = str | int | None  # name or position of an output; None if there is one output


def is_nested(values: Any) -> bool:
    """Whether outputs, labels or losses are several.

    Args:
        values: outputs, labels or losses.

    Example:
        >>> from zoo.training.heads import is_nested
        >>> is_nested({"cls": 1, "box": 2}), is_nested(np.zeros(3))
        (True, False)
    """
    return isinstance(values, (list, tuple, dict))


def key_of(head: Head, values: Any, names: Sequence[str]) -> Any:
    """The key or index of a head in a dictionary or sequence with one entry for each output.

    Args:
        head: name or position of the head.
        values: dictionary, list or tuple.
        names: names of the outputs in their order, as far as the network has them.

    Raises:
        ValueError: no head is named, or no output has this name or position.

    Example:
        >>> from zoo.training.heads import key_of
        >>> key_of("box", [1, 2], ["cls", "box"]), key_of(1, {"cls": 1, "box": 2}, ["cls", "box"])
        (1, 'box')
    """
    known: list[Any] = list(values) if isinstance(values, dict) else list(names) or list(range(len(values)))
    if head is None:
        raise ValueError(
            f"The network must have one output, or you name the one that penalties look at, received {len(values)} "
            f"outputs {known}. Pass RegularizedModel(..., output={known[0]!r}) for example."
        )
    if isinstance(head, int):
        if not 0 <= head < len(values):
            raise ValueError(f"The network has {len(values)} outputs {known}, received output={head!r}.")
        return known[head] if isinstance(values, dict) else head
    check_choice("output", head, map(str, known))
    return head if isinstance(values, dict) else known.index(head)


def pick(values: Any, head: Head, names: Sequence[str] = ()) -> Any:
    """The entry of a head among outputs, labels or losses.

    Args:
        values: one value, or a dictionary or sequence with one for each output.
        head: name or position of the head, or None if there is one output.
        names: names of the outputs in their order, as far as the network has them.

    Raises:
        ValueError: there are several values and no head is named, or no output has this name or position.

    Example:
        >>> from zoo.training.heads import pick
        >>> pick({"cls": 1, "box": 2}, "cls"), pick(3, None)
        (1, 3)
    """
    return values[key_of(head, values, names)] if is_nested(values) else values


def put(values: Any, head: Head, value: Any, names: Sequence[str] = ()) -> Any:
    """Outputs with another entry for a head.

    Args:
        values: one output, or a dictionary or sequence of them.
        head: name or position of the head, or None if there is one output.
        value: the new entry.
        names: names of the outputs in their order, as far as the network has them.

    Returns:
        Outputs of the same structure.

    Example:
        >>> from zoo.training.heads import put
        >>> put([1, 2], 0, 5)
        [5, 2]
    """
    if not is_nested(values):
        return value
    key = key_of(head, values, names)
    items = values.items() if isinstance(values, dict) else enumerate(values)
    replaced = [value if each == key else old for each, old in items]
    return dict(zip(values, replaced, strict=True)) if isinstance(values, dict) else type(values)(replaced)


def only_label(labels: Any, outputs: Any) -> Any:
    """The labels of a network with one output. Keras's data sets often name them, or put them into a list.

    Args:
        labels: labels, or a dictionary, list or tuple of them.
        outputs: outputs of the network.

    Returns:
        The one entry if the network has one output, else the labels as they are.

    Example:
        >>> from zoo.training.heads import only_label
        >>> only_label({"cls": 1}, 0.5), only_label({"cls": 1}, {"cls": 0.5})
        (1, {'cls': 1})
    """
    if not isinstance(labels, (dict, list, tuple)) or len(labels) != 1 or is_nested(outputs):
        return labels
    (entry,) = labels.values() if isinstance(labels, dict) else labels
    return entry
