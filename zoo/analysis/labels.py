"""Labels in the form that suits a prediction, its losses and its errors."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.logits import Prediction
from zoo.regularizers.math.decisions import share_misclassified
from zoo.regularizers.math.divergences import check_classes
from zoo.training.label_checks import check_class_indices, check_unit_labels
from zoo.training.losses import per_example_loss
from zoo.training.outputs import Outputs
from zoo.validation import class_indices

Tensor = Any  # a tensor of the backend, or a NumPy array


def as_labels(labels: Any, prediction: Prediction) -> np.ndarray:
    """Labels in the form in which a network decides.

    Args:
        labels: class indices or one-hot rows, with an entry or row for each position of dense outputs; or, if the
            network is multi-label, 0 or 1 for each label.
        prediction: of the network.

    Returns:
        Class indices, `(n, ...)`; or 0 and 1, `(n, ..., k)`. At positions that the mask of the prediction leaves out,
        and where a network with a mask has received −1, they are −1: these positions do not count.

    Raises:
        ValueError: the labels do not suit the prediction.

    Example:
        >>> from zoo.analysis.labels import as_labels
        >>> from zoo.analysis.logits import Prediction
        >>> as_labels([[0, 1], [1, 0]], Prediction(np.zeros((2, 2)), "categorical"))
        array([1, 0])
    """
    if prediction.decides_once:
        labels = class_indices(labels)
        integral = labels.dtype.kind == "f" and np.array_equal(labels, np.trunc(labels))
        labels = labels.astype(int) if integral or labels.dtype.kind == "b" else labels
        check_class_indices("given", labels, (None, prediction.logits.shape[-1]))
        return labels
    labels, shape = np.asarray(labels), (None, *prediction.logits.shape[1:])
    if prediction.mask is None:
        return _checked(labels, shape, prediction.distribution)
    has_units = labels.ndim == len(shape)
    rows, counts = labels if has_units else labels[..., None], np.asarray(ops.convert_to_numpy(prediction.mask))
    if rows.shape[:-1] != counts.shape:
        raise ValueError(
            f"The given labels must have shape {counts.shape}, or with one more axis of units, received {labels.shape}."
        )
    counts = (counts & (rows != -1).any(axis=-1))[..., None]
    # Labels of masked positions are free: the check sees class 0 in their place.
    rows = np.where(counts, rows, np.eye(1, rows.shape[-1], dtype=rows.dtype) if rows.shape[-1] > 1 else 0)
    labels = _checked(rows if has_units else rows[..., 0], shape, prediction.distribution)
    labels = labels.astype(np.result_type(labels, "int8"))  # an unsigned type has no -1
    return np.where(counts if labels.ndim == len(shape) else counts[..., 0], labels, -1)


def _checked(labels, shape, distribution):
    if distribution == "bernoulli":
        check_unit_labels("given", labels, shape)
        return labels
    if labels.ndim == len(shape) and labels.shape[-1] == shape[-1] > 1:
        one_hot = np.eye(labels.shape[-1])[labels.argmax(axis=-1)]
        labels = labels.argmax(axis=-1) if np.array_equal(labels, one_hot) else labels
    check_class_indices("given", labels, shape)
    return labels[..., 0] if labels.ndim == len(shape) else labels


def losses_of(prediction: Prediction, labels: Tensor) -> Tensor:
    """The cross-entropy of each example, as Keras has it: the mean over the positions and over the labels.

    Args:
        prediction: of the network.
        labels: as for `as_labels`, or as it returns them.

    Returns:
        `(n,)`, in nats.

    Raises:
        ValueError: the labels do not have the shape that the prediction needs, or there are fewer than 2 classes.

    Example:
        >>> from zoo.analysis.labels import losses_of
        >>> from zoo.analysis.logits import Prediction
        >>> np.exp(-losses_of(Prediction(np.zeros((1, 4)), "categorical"), np.array([3])))
        array([0.25])
    """
    logits, labels = prediction.logits, ops.convert_to_tensor(labels)
    shape, given = tuple(logits.shape[1:]), tuple(labels.shape[1:])
    is_bernoulli, mask = prediction.distribution == "bernoulli", prediction.mask
    if given not in ([shape] if is_bernoulli else [shape[:-1], (*shape[:-1], 1), shape]):
        wanted = shape if is_bernoulli else shape[:-1]
        raise ValueError(
            f"Outputs of shape {tuple(logits.shape)} need labels of shape {('n', *wanted)}, received "
            f"{tuple(labels.shape)}.".replace("'", "")
        )
    if mask is not None:  # with the labels −1 of positions that were left out before an attack moved the inputs
        mask = mask & ops.any(ops.reshape(labels, (*ops.shape(mask), -1)) >= 0, axis=-1)
        labels = ops.maximum(labels, ops.zeros_like(labels))
    if is_bernoulli:
        return per_example_loss(keras.losses.BinaryCrossentropy(from_logits=True))(labels, logits, mask)
    check_classes("The cross-entropy needs", logits)
    one_hot = given == shape and shape[-1] > 1
    loss = keras.losses.CategoricalCrossentropy if one_hot else keras.losses.SparseCategoricalCrossentropy
    return per_example_loss(loss(from_logits=True))(labels, logits, mask)


def targets_of(prediction: Prediction, labels: Tensor) -> Tensor:
    """Labels as probabilities of the classes.

    Args:
        prediction: of the network.
        labels: as for `as_labels`.

    Returns:
        One-hot rows in the shape of the logits.

    Raises:
        ValueError: the network is multi-label.

    Example:
        >>> from zoo.analysis.labels import targets_of
        >>> from zoo.analysis.logits import Prediction
        >>> np.asarray(targets_of(Prediction(np.zeros((1, 3)), "categorical"), np.array([2])))
        array([[0., 0., 1.]])
    """
    kind = "multilabel" if prediction.distribution == "bernoulli" else "categorical"
    return Outputs(kind).targets(ops.convert_to_tensor(labels), prediction.logits)


def errors_of(prediction: Prediction, labels: Any) -> np.ndarray:
    """Which examples are misclassified, or the share of the wrong decisions of each.

    Args:
        prediction: of the network.
        labels: as for `as_labels`.

    Returns:
        Booleans, `(n,)`; or, if the network decides more than once for each example, floating point from 0 to 1.

    Raises:
        ValueError: the labels do not suit the prediction, or there is no decision.

    Example:
        >>> from zoo.analysis.labels import errors_of
        >>> from zoo.analysis.logits import Prediction
        >>> errors_of(Prediction(np.array([[2.0, 1.0]]), "categorical"), [1])
        array([ True])
    """
    if prediction.logits.shape[-1] < 2 and prediction.distribution == "categorical":
        raise ValueError(
            "A decision needs logits of at least 2 classes, received 1. If the one unit decides between two classes, "
            'pass zoo.analysis.Classifier(network, outputs="binary_logits"), or compile the model with its '
            "BinaryCrossentropy."
        )
    logits = ops.convert_to_numpy(prediction.logits)
    found = ops.convert_to_numpy(share_misclassified(logits, as_labels(labels, prediction), prediction.distribution))
    return found > 0 if prediction.decides_once else found
