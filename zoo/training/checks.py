"""Checks of arrays before training starts."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo.datasets import Batches, SemiSupervised
from zoo.training.input_checks import check_structure
from zoo.training.inputs import is_text, named_inputs, takes_strings
from zoo.training.outputs import Outputs, outputs_of


def is_array(values: Any) -> bool:
    """Whether `values` can be checked before training: a NumPy array or a tensor of the backend.

    Args:
        values: any object.

    Example:
        >>> from zoo.training.checks import is_array
        >>> is_array(np.zeros(3)), is_array(iter([]))
        (True, False)
    """
    return isinstance(values, np.ndarray) or keras.ops.is_tensor(values)


def check_inputs(role: str, inputs: np.ndarray) -> None:
    """Refuses inputs that are not finite real numbers, and an empty array.

    Args:
        role: what the inputs are for in the message, such as `"training"`.
        inputs: `(n, ...)`.

    Raises:
        ValueError: there is no example, the entries are not real numbers, or some of them are NaN or infinite. The
            message has their number and the first example that has one.

    Example:
        >>> from zoo.training.checks import check_inputs
        >>> check_inputs("training", np.zeros((2, 3)))
    """
    if not inputs.ndim or not len(inputs):
        raise ValueError(f"The {role} inputs must be at least one example, received shape {inputs.shape}.")
    if inputs.dtype.kind in "OSUMmc":
        raise ValueError(f"The {role} inputs must be real numbers, received dtype {inputs.dtype}.")
    if inputs.dtype.kind != "f":
        return
    bad = ~np.isfinite(inputs)
    if bad.any():
        first = int(np.argmax(bad.reshape(len(inputs), -1).any(axis=1)))
        raise ValueError(
            f"The {role} inputs hold {int(bad.sum())} NaN or infinite entries, the first in example {first}; only "
            "finite numbers are allowed."
        )


def check_class_indices(role: str, labels: np.ndarray, num_classes: int | None) -> None:
    """Refuses labels that are not class indices.

    Args:
        role: what the labels are for in the message, such as `"training"`.
        labels: `(n,)` or `(n, 1)`.
        num_classes: number of classes, or None if it is not known.

    Raises:
        ValueError: the labels are not integers, have another shape, or are out of range.

    Example:
        >>> from zoo.training.checks import check_class_indices
        >>> check_class_indices("training", np.array([0, 2, 1]), 3)
    """
    if labels.dtype.kind not in "iu":
        raise ValueError(f"The {role} labels must be integer class indices, received dtype {labels.dtype}.")
    if labels.shape not in {(len(labels),), (len(labels), 1)}:
        raise ValueError(f"The {role} labels must have shape ({len(labels)},), received {labels.shape}.")
    wrong = labels[(labels < 0) | (labels >= num_classes)] if num_classes else labels[labels < 0]
    if wrong.size:
        allowed = f"0 to {num_classes - 1}" if num_classes else "at least 0"
        raise ValueError(f"The {role} labels must be {allowed}, received {wrong.flat[0]} ({wrong.size} out of range).")


def num_units(network: keras.Layer) -> int | None:
    """The number of classes between which a network decides; None if it is not known yet or below 2.

    Args:
        network: any Keras network.

    Example:
        >>> from zoo.training.checks import num_units
        >>> num_units(zoo.networks.mlp((4,), 3, hidden_units=()))
        3
    """
    shape = getattr(network, "output_shape", None) if network.built else None
    units = shape[-1] if isinstance(shape, tuple) else None
    return units if isinstance(units, int) and units > 1 else None


def check_data(model: Any, options: Mapping[str, Any]) -> None:
    """Checks the arrays in the arguments of a model's `fit`.

    Args:
        model: `ObjectiveModel`.
        options: the arguments of `fit` by their names.

    Raises:
        ValueError: inputs or labels are wrong, with the value received and what is allowed.

    Example:
        >>> from zoo.training.checks import check_data
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=()))
        >>> check_data(model, {"x": np.zeros((2, 4)), "y": np.array([0, 2])})
    """
    x, validation = options.get("x"), options.get("validation_data")
    check_structure(model, x)
    pairs: dict[str, Any] = {"training": (x, options.get("y"))}
    if isinstance(x, (Batches, SemiSupervised)):
        pairs = {"training": (x.x, x.y)}
    if isinstance(x, SemiSupervised):
        pairs["unlabeled training"] = (x.x_unlabeled, None)
    if isinstance(validation, (tuple, list)):
        pairs["validation"] = tuple(validation[:2])
    outputs = outputs_of(model.loss) if model.compiled else None
    for role, (inputs, labels) in pairs.items():
        for name, each in named_inputs(model.network, inputs).items():
            of = f"{role} {name!r}" if keras.tree.is_nested(inputs) else role
            strings = takes_strings(model, name)
            check_arrays(of, each, labels, outputs, num_units(model.network), strings=strings)


def check_arrays(
    role: str,
    inputs: Any,
    labels: Any,
    outputs: Outputs | None,
    num_classes: int | None,
    *,
    strings: bool = False,
) -> None:
    """Checks a pair of arrays. Objects that are not arrays (a generator, a `tf.data` set) are not checked.

    Args:
        role: what the arrays are for in the message, such as `"training"` or `"validation"`.
        inputs: `(n, ...)`.
        labels: `(n, ...)`.
        outputs: meaning of the network's outputs, or None if the loss is not known.
        num_classes: number of classes, or None if it is not known.
        strings: whether the inputs may be strings.

    Raises:
        ValueError: inputs or labels are wrong, with the value received and what is allowed.

    Example:
        >>> from zoo.training.checks import check_arrays
        >>> check_arrays("training", np.zeros((2, 3)), np.array([0, 1]), outputs=None, num_classes=2)
    """
    if not is_array(inputs):
        return
    if not (strings and is_text(inputs)):
        inputs = np.asarray(keras.ops.convert_to_numpy(inputs))
        check_inputs(role, inputs)
    if not is_array(labels):
        return
    labels = np.asarray(keras.ops.convert_to_numpy(labels))
    if not labels.ndim:
        raise ValueError(f"The {role} labels must be an array with one label per input, received shape ().")
    if len(labels) != len(inputs):
        raise ValueError(f"Every input needs one label, received {len(inputs)} {role} inputs and {len(labels)} labels.")
    if outputs is not None and outputs.sparse:
        check_class_indices(role, labels, num_classes)
