"""Checks of labels before training starts."""

import numpy as np

from zoo.training.outputs import Outputs

Shape = tuple[int | None, ...] | None  # (None, ..., units); None if it is not known


def check_labels(role: str, labels: np.ndarray, outputs: Outputs, output_shape: Shape) -> None:
    """Refuses labels that do not suit the loss.

    Args:
        role: what the labels are for in the message, such as `"training"`.
        labels: `(n, ...)`.
        outputs: meaning of the network's outputs.
        output_shape: shape of the network's outputs, or None if it is not known.

    Raises:
        ValueError: the loss takes class indices, and labels are not; or it is binary, and labels are not from 0 to 1
            or have another shape than the outputs.

    Example:
        >>> from zoo.training.label_checks import check_labels
        >>> from zoo.training.outputs import outputs_of
        >>> check_labels("training", np.array([0, 1]), outputs_of("binary_crossentropy"), (None, 1))
    """
    if outputs.sparse:
        check_class_indices(role, labels, output_shape)
    if outputs.unit_labels:
        check_unit_labels(role, labels, output_shape)


def check_class_indices(role: str, labels: np.ndarray, output_shape: Shape) -> None:
    """Refuses labels that are not class indices.

    Args:
        role: what the labels are for in the message, such as `"training"`.
        labels: `(n, ...)` or `(n, ..., 1)`.
        output_shape: `(None, ..., num_classes)`, or None if it is not known.

    Raises:
        ValueError: the labels are not integers, have another shape, or are out of range.

    Example:
        >>> from zoo.training.label_checks import check_class_indices
        >>> check_class_indices("training", np.array([0, 2, 1]), (None, 3))
    """
    has_units = labels.ndim > 1 if output_shape is None else labels.ndim == len(output_shape)
    one_hot = has_units and labels.shape[-1] > 1 and bool(np.all(np.sort(labels)[..., :-1] == 0))
    if one_hot and np.all(labels.max(axis=-1) == 1):
        raise ValueError(
            f"The {role} labels must be class indices, received one-hot labels of shape {labels.shape}. Their loss is "
            "CategoricalCrossentropy; SparseCategoricalCrossentropy takes class indices."
        )
    if labels.dtype.kind not in "iu":
        raise ValueError(f"The {role} labels must be integer class indices, received dtype {labels.dtype}.")
    num_classes = output_shape[-1] if output_shape is not None and output_shape[-1] != 1 else None
    if output_shape is not None:
        _check_shape(role, labels, output_shape[:-1], (*output_shape[:-1], 1))
    _check_range(role, labels, num_classes - 1 if num_classes else None)


def check_unit_labels(role: str, labels: np.ndarray, output_shape: Shape) -> None:
    """Refuses labels that are not probabilities, one for each unit.

    Args:
        role: what the labels are for in the message, such as `"training"`.
        labels: `(n, ..., units)`, or `(n, ...)` for one unit.
        output_shape: `(None, ..., units)`, or None if it is not known.

    Raises:
        ValueError: the labels are not from 0 to 1, or have another shape.

    Example:
        >>> from zoo.training.label_checks import check_unit_labels
        >>> check_unit_labels("training", np.array([[0, 1, 1]]), (None, 3))
    """
    if output_shape is not None:
        _check_shape(role, labels, output_shape, *((output_shape[:-1],) if output_shape[-1] == 1 else ()))
    _check_range(role, labels, 1)


def _check_shape(role, labels, *allowed):
    def fits(shape):
        return labels.ndim == len(shape) and all(
            a in (None, b) for a, b in zip(shape[1:], labels.shape[1:], strict=True)
        )

    if not any(map(fits, allowed)):
        wanted = (len(labels), *allowed[0][1:])
        raise ValueError(f"The {role} labels must have shape {wanted}, received {labels.shape}.")


def _check_range(role, labels, largest):
    wrong = labels[(labels < 0) | (labels > largest)] if largest is not None else labels[labels < 0]
    if wrong.size:
        allowed = f"0 to {largest}" if largest is not None else "at least 0"
        unlabeled = wrong.flat[0] == -1 and role != "given"  # to a measure
        hint = " Pass examples without labels by zoo.datasets.SemiSupervised." if unlabeled else ""
        raise ValueError(
            f"The {role} labels must be {allowed}, received {wrong.flat[0]} ({wrong.size} out of range).{hint}"
        )
