"""Checks of arrays before training starts."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo.datasets import Batches, SemiSupervised
from zoo.training.input_checks import check_strings, check_structure, takes_strings
from zoo.training.inputs import is_text, named_inputs, split_inputs
from zoo.training.label_checks import check_labels
from zoo.training.outputs import Outputs, warn_of_guess


def as_array(values: Any) -> np.ndarray | None:
    """The values that can be checked before training, as a NumPy array.

    Args:
        values: any object.

    Returns:
        The array of an array, a tensor, or a Series or DataFrame of pandas; None for another object.

    Example:
        >>> from zoo.training.checks import as_array
        >>> as_array(keras.ops.ones(2)), as_array(iter([]))
        (array([1., 1.], dtype=float32), None)
    """
    if keras.ops.is_tensor(values):
        return np.asarray(keras.ops.convert_to_numpy(values))
    if not (hasattr(values, "__array__") and hasattr(values, "shape")):
        return None
    array = np.asarray(values)
    try:  # the numbers of pandas with missing values are objects
        return array if isinstance(values, np.ndarray) or array.dtype != object else array.astype("float64")
    except (TypeError, ValueError):
        return array


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
    check_finite(f"{role} inputs", inputs)


def check_finite(what: str, values: np.ndarray) -> None:
    """Refuses numbers that are NaN or infinite.

    Args:
        what: name of the values in the message, such as `"training inputs"`.
        values: `(n, ...)`.

    Raises:
        ValueError: some entries are NaN or infinite. The message has their number and the first example that has one.

    Example:
        >>> from zoo.training.checks import check_finite
        >>> check_finite("training labels", np.zeros(2))
    """
    if values.dtype.kind != "f":
        return
    bad = ~np.isfinite(values)
    if bad.any():
        first = int(np.argmax(bad.reshape(len(values), -1).any(axis=1)))
        raise ValueError(
            f"The {what} hold {int(bad.sum())} NaN or infinite entries, the first in example {first}; only finite "
            "numbers are allowed."
        )


def output_shape_of(model: Any) -> tuple[int | None, ...] | None:
    """The shape of the output that penalties look at; None if it is not known yet.

    Args:
        model: `ObjectiveModel`.

    Example:
        >>> from zoo.training.checks import output_shape_of
        >>> output_shape_of(zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=())))
        (None, 3)
    """
    network = model.network
    outputs = getattr(network, "outputs", None) if network.built else None
    if not outputs:
        return None
    return tuple(outputs[0].shape) if len(outputs) == 1 else tuple(model.at_head(network.output_shape))


def check_data(model: Any, options: Mapping[str, Any], batch: tuple[Any, Any] | None = None) -> None:
    """Checks the arrays in the arguments of a model's `fit`, and the first batch of data sets.

    Args:
        model: `ObjectiveModel`.
        options: the arguments of `fit` by their names.
        batch: the first batch of a data set, see `first_batch`; None if it is not to be checked.

    Raises:
        ValueError: inputs or labels are wrong, with the value received and what is allowed.

    Example:
        >>> from zoo.training.checks import check_data
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=()))
        >>> check_data(model, {"x": np.zeros((2, 4)), "y": np.array([0, 2])})
    """
    x, validation = options.get("x"), options.get("validation_data")
    check_structure(model, x)
    check_strings(model, x)
    pairs: dict[str, Any] = {"training": (x, options.get("y"))}
    if isinstance(x, (Batches, SemiSupervised)):
        pairs = {"training": (x.x, x.y)}
    elif batch is not None:
        pairs = {"training": batch}
    if isinstance(x, SemiSupervised):
        pairs["unlabeled training"] = (x.x_unlabeled, None)
    labeled, unlabeled = split_inputs(pairs["training"][0])
    if unlabeled is not None:  # batches of both kinds need not have as many of each
        pairs = {"training": (labeled, pairs["training"][1]), "unlabeled training": (unlabeled, None)}
    if isinstance(validation, (tuple, list)):
        pairs["validation"] = tuple(validation[:2])
    outputs = model.outputs_of_loss() if model.compiled else None
    if outputs is not None and model.penalty_metrics and model.meaning is None:
        warn_of_guess(model.at_head(model.loss))
    for role, (inputs, labels) in pairs.items():
        labels = labels_at_head(model, labels)
        for name, each in named_inputs(model.network, inputs).items():
            of = f"{role} {name!r}" if keras.tree.is_nested(inputs) else role
            check_arrays(of, each, labels, outputs, output_shape_of(model), strings=takes_strings(model, name))


def labels_at_head(model: Any, labels: Any) -> Any:
    """The labels of the output that penalties look at, or None if there are none.

    Args:
        model: `ObjectiveModel`.
        labels: the labels, as `fit` takes them.

    Example:
        >>> from zoo.training.checks import labels_at_head
        >>> labels_at_head(zoo.RegularizedModel(zoo.networks.mlp((4,), 3)), {"cls": 2})
        2
    """
    if isinstance(labels, dict) and model.head is None and len(labels) == 1:
        return next(iter(labels.values()))
    return model.at_head(labels) if model.head is not None else labels


def check_arrays(
    role: str,
    inputs: Any,
    labels: Any,
    outputs: Outputs | None,
    output_shape: tuple[int | None, ...] | None,
    *,
    strings: bool = False,
) -> None:
    """Checks a pair of arrays. Objects that are not arrays (a generator, a `tf.data` set) are not checked.

    Args:
        role: what the arrays are for in the message, such as `"training"` or `"validation"`.
        inputs: `(n, ...)`.
        labels: `(n, ...)`.
        outputs: meaning of the network's outputs, or None if the loss is not known.
        output_shape: shape of the network's outputs, or None if it is not known.
        strings: whether the inputs may be strings.

    Raises:
        ValueError: inputs or labels are wrong, with the value received and what is allowed.

    Example:
        >>> from zoo.training.checks import check_arrays
        >>> check_arrays("training", np.zeros((2, 3)), np.array([0, 1]), outputs=None, output_shape=(None, 2))
    """
    if (inputs := as_array(inputs)) is None:
        return
    if not (strings and is_text(inputs)):
        check_inputs(role, inputs)
    if (labels := as_array(labels)) is None:
        return
    if not labels.ndim:
        raise ValueError(f"The {role} labels must be an array with one label per input, received shape ().")
    if len(labels) != len(inputs):
        raise ValueError(f"Every input needs one label, received {len(inputs)} {role} inputs and {len(labels)} labels.")
    check_finite(f"{role} labels", labels)
    if outputs is not None:
        check_labels(role, labels, outputs, output_shape)


def check_prediction(model: Any, x: Any) -> None:
    """Refuses an empty array, an array of strings, and one example without the axis of the batch.

    Args:
        model: `ObjectiveModel`.
        x: the inputs, as `predict` takes them.

    Raises:
        ValueError: `x` is an array of these kinds.

    Example:
        >>> from zoo.training.checks import check_prediction
        >>> check_prediction(zoo.RegularizedModel(zoo.networks.mlp((4,), 3)), np.zeros((1, 4)))
    """
    check_strings(model, x)
    shape = tuple(getattr(x, "shape", None) or (None,))
    if shape[0] == 0:
        raise ValueError(f"The inputs must be at least one example, received shape {shape}.")
    example = tuple(getattr(model.network, "input_shape", None) or ())[1:] if model.network.built else ()
    # Not a set: several inputs have a dictionary of shapes.
    if shape in (model.raw_input_shape, example) and None not in shape:
        raise ValueError(f"The inputs need an axis of the batch: pass x[None] for one example of shape {shape}.")
