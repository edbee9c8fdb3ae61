"""Checks of arrays before training starts."""

import keras
import numpy as np

from zoo.datasets import Batches, SemiSupervised
from zoo.training.outputs import Outputs, outputs_of


def is_array(values):
    """Whether `values` can be checked before training: an array or a tensor of one of the backends."""
    return isinstance(values, np.ndarray) or keras.ops.is_tensor(values)


def check_single_input(x):
    """Refuses several inputs, and one in a list, which Keras takes for several.

    Raises:
        ValueError: with their number.
    """
    if isinstance(x, (list, tuple)) or (isinstance(x, dict) and set(x) != {"labeled", "unlabeled"}):
        raise ValueError(
            f"The network has one input: pass one array, not a {type(x).__name__} of {len(x)}; or "
            '{"labeled": ..., "unlabeled": ...}.'
        )


def check_inputs(role, inputs):
    """Refuses inputs that are no finite numbers, and none at all.

    Raises:
        ValueError: with the shape, the kind of entries, or the number of those that are not finite and the first
            example that has one.
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


def check_class_indices(role, labels, num_classes):
    """Refuses labels that are no class indices.

    Raises:
        ValueError: labels that are no integers, of a shape other than `(n,)` or `(n, 1)`, or out of range.
    """
    if labels.dtype.kind not in "iu":
        raise ValueError(f"The {role} labels must be integer class indices, received dtype {labels.dtype}.")
    if labels.shape not in {(len(labels),), (len(labels), 1)}:
        raise ValueError(f"The {role} labels must have shape ({len(labels)},), received {labels.shape}.")
    wrong = labels[(labels < 0) | (labels >= num_classes)] if num_classes else labels[labels < 0]
    if wrong.size:
        allowed = f"0 to {num_classes - 1}" if num_classes else "at least 0"
        raise ValueError(f"The {role} labels must be {allowed}, received {wrong.flat[0]} ({wrong.size} out of range).")


def num_units(network):
    """The number of classes between which a network decides; None if it is not known yet or there are none."""
    shape = getattr(network, "output_shape", None) if network.built else None
    units = shape[-1] if isinstance(shape, tuple) else None
    return units if isinstance(units, int) and units > 1 else None


def check_data(model, options):
    """Checks the arrays in the arguments of a model's `fit`.

    Args:
        model: `ObjectiveModel`.
        options: the arguments of `fit` by their names.

    Raises:
        ValueError: what is wrong, with the value received and what is allowed.
    """
    x, validation = options.get("x"), options.get("validation_data")
    check_single_input(x)
    pairs = {"training": (x, options.get("y"))}
    if isinstance(x, (Batches, SemiSupervised)):
        pairs = {"training": (x.x, x.y)}
    if isinstance(x, SemiSupervised):
        pairs["unlabeled training"] = (x.x_unlabeled, None)
    if isinstance(validation, (tuple, list)):
        pairs["validation"] = validation[:2]
    outputs = outputs_of(model.loss) if model.compiled else None
    for role, (inputs, labels) in pairs.items():
        check_arrays(role, inputs, labels, outputs, num_units(model.network))


def check_arrays(role, inputs, labels, outputs: Outputs | None, num_classes):
    """Checks a pair of arrays; what is no array (a generator, a `tf.data` set) passes.

    Args:
        role: `"training"` or `"validation"`, for the message.
        inputs: `(n, ...)`.
        labels: `(n, ...)`.
        outputs: what the loss says of the network's outputs, or None.
        num_classes: units of the network, or None where they are not known yet.

    Raises:
        ValueError: what is wrong, with the value received and what is allowed.
    """
    if not is_array(inputs):
        return
    inputs = keras.ops.convert_to_numpy(inputs)
    check_inputs(role, inputs)
    if not is_array(labels):
        return
    labels = keras.ops.convert_to_numpy(labels)
    if not labels.ndim:
        raise ValueError(f"The {role} labels must be one for each input, received shape ().")
    if len(labels) != len(inputs):
        raise ValueError(f"There are {len(inputs)} {role} inputs and {len(labels)} labels; both must be as many.")
    if outputs is not None and outputs.sparse:
        check_class_indices(role, labels, num_classes)
