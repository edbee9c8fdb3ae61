"""What Keras's losses say about the outputs of a network, and the loss of each example."""

import functools
from collections.abc import Callable, Collection
from typing import Any

import keras
from keras import ops

from zoo.backend.keras_internals import loss_arguments
from zoo.backend.moments import mean
from zoo.regularizers.math.per_example import over_positions

Tensor = Any  # a tensor of the backend

CATEGORICAL = {
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalGeneralizedCrossEntropy,
    keras.losses.KLDivergence,
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.categorical_crossentropy,
    keras.losses.categorical_focal_crossentropy,
    keras.losses.kl_divergence,
}
BINARY = {
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
}
SPARSE = {
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.CategoricalGeneralizedCrossEntropy,
}
MEANS = ("sum_over_batch_size", "mean")


def is_among(loss: Any, losses: Collection[Any]) -> bool:
    """Whether a loss is one of these functions, or an instance of one of these classes.

    Args:
        loss: a Keras loss object or function.
        losses: functions and classes.

    Example:
        >>> from zoo.training.losses import BINARY, is_among
        >>> is_among(keras.losses.BinaryCrossentropy(), BINARY)
        True
    """
    if isinstance(loss, keras.losses.Loss):
        return isinstance(loss, tuple(each for each in losses if isinstance(each, type)))
    return loss in losses


def unwrap(loss: Any) -> tuple[Any, bool]:
    """The loss, or the function inside a `functools.partial`; and its argument `from_logits`.

    Args:
        loss: a Keras loss object or function.

    Example:
        >>> from zoo.training.losses import unwrap
        >>> unwrap(keras.losses.BinaryCrossentropy(from_logits=True))[1]
        True
    """
    if isinstance(loss, functools.partial):
        return loss.func, loss.keywords.get("from_logits", False)
    return loss, getattr(loss, "from_logits", False)


def check_mean(loss: Any) -> None:
    """Refuses losses that are not means over all examples, as penalties are.

    Args:
        loss: a Keras loss object or function.

    Raises:
        ValueError: the reduction is not a mean over the batch, a class is ignored, or classes lie along another axis
            than the last.

    Example:
        >>> from zoo.training.losses import check_mean
        >>> check_mean(keras.losses.BinaryCrossentropy())
    """
    if getattr(loss, "reduction", MEANS[0]) not in MEANS:  # a function has no reduction: compile() takes its mean
        allowed = " or ".join(map(repr, MEANS))
        raise ValueError(
            f"Penalties are means over the batch, so the reduction of the loss must be {allowed}, received "
            f"{loss.reduction!r}."
        )
    if getattr(loss, "ignore_class", None) is not None:
        raise ValueError(
            "Penalties cover all examples, so the loss must cover them too: its ignore_class must be None, received "
            f"{loss.ignore_class!r}. Pass these examples as unlabeled ones, with zoo.datasets.SemiSupervised."
        )
    arguments = loss.keywords if isinstance(loss, functools.partial) else loss_arguments(loss)
    axis = arguments.get("axis", -1)
    if axis != -1 and is_among(unwrap(loss)[0], CATEGORICAL):
        raise ValueError(
            "Penalties take the last axis of the outputs for the classes, so the axis of the loss must be -1, received "
            f"{axis!r}. Move the classes to the last axis with keras.layers.Permute."
        )


def reports_wrong_indices(loss: Any) -> bool:
    """Whether a class index that is out of range makes a loss fail or NaN, as TensorFlow's cross-entropy does.

    Other losses see one-hot labels, which are 0 for such an index: training would continue without a word.

    Args:
        loss: a Keras loss object, function or name that takes class indices.

    Example:
        >>> from zoo.training.losses import reports_wrong_indices
        >>> reports_wrong_indices(keras.losses.CategoricalGeneralizedCrossEntropy())
        False
    """
    loss, _ = unwrap(keras.losses.get(loss))
    return keras.backend.backend() == "tensorflow" and not is_among(
        loss, {keras.losses.CategoricalGeneralizedCrossEntropy}
    )


def nan_if_out_of_range(labels: Tensor, outputs: Tensor) -> Tensor:
    """0 if all class indices are in range, else NaN, to be added to a loss that would not report them.

    Args:
        labels: `(n, ...)` class indices.
        outputs: `(n, ..., num_classes)`.

    Example:
        >>> from zoo.training.losses import nan_if_out_of_range
        >>> float(nan_if_out_of_range(np.array([0, 3]), np.zeros((2, 3))))
        nan
    """
    wrong = ops.any(ops.logical_or(ops.less(labels, 0), ops.greater_equal(labels, outputs.shape[-1])))
    return ops.where(wrong, float("nan"), 0.0)


def per_example_loss(loss: Any) -> Callable[..., Tensor]:
    """The loss of each example, before any reduction. Over positions and units it is the mean.

    Args:
        loss: a Keras loss object, function or name.

    Returns:
        `(labels, outputs, mask=None) -> (n,)`, with the mask of the positions of dense outputs, see `over_positions`.
        It raises `ValueError` if the loss returns one number for the whole batch.

    Example:
        >>> from zoo.training.losses import per_example_loss
        >>> np.asarray(per_example_loss("mse")(np.array([[1.0], [2.0]]), np.array([[1.0], [5.0]])))
        array([0., 9.])
    """
    loss = keras.losses.get(loss)
    values, sparse = loss.call if isinstance(loss, keras.losses.Loss) else loss, is_among(unwrap(loss)[0], SPARSE)

    def compute(labels, outputs, mask=None):
        if not sparse:
            labels = ops.cast(labels, outputs.dtype)  # as a compiled model does
        if outputs.shape[-1] == 1 and len(labels.shape) == len(outputs.shape) - 1:
            labels = ops.expand_dims(labels, -1)  # as a compiled model does for losses that are functions
        each = values(labels, outputs)
        if not len(each.shape):
            name = getattr(loss, "__name__", type(loss).__name__)
            raise ValueError(
                f"A loss returns one value for each example, shape (batch,), and Keras takes the mean; {name!r} "
                "returned a scalar, shape (). Remove its mean over the batch."
            )
        if mask is None:
            return mean(ops.reshape(each, (ops.shape(outputs)[0], -1)), axis=-1)
        return over_positions(each, mask)

    return compute
