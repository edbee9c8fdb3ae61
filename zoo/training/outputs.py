"""What a network's outputs mean, read off its loss, and the logits that penalties compute with."""

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops

from zoo.backend.precision import at_least_single


class Outputs(NamedTuple):
    """The correspondence between a network's outputs and logits.

    Attributes:
        kind: `"categorical"`, `"binary"` or `"regression"`.
        to_logits: outputs to logits `(n, k)`; a single binary output becomes the logits of two classes.
        from_logits: its inverse.
        sparse: whether labels are class indices.
    """

    kind: str
    to_logits: Callable
    from_logits: Callable
    sparse: bool = False


def _identity(values):
    return values


def _log(probabilities):
    return ops.log(ops.maximum(probabilities, keras.config.epsilon()))


def _pad_binary(logits):
    return ops.concatenate([ops.zeros_like(logits), logits], axis=-1)


def _binary_log(probabilities):
    return ops.concatenate([_log(1 - probabilities), _log(probabilities)], axis=-1)


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


def _is_among(loss, losses):
    """Whether a loss is one of these functions, or an object of one of these classes or of one below."""
    if isinstance(loss, keras.losses.Loss):
        return isinstance(loss, tuple(each for each in losses if isinstance(each, type)))
    return loss in losses


def outputs_of(loss):
    """Reads the meaning of a network's outputs off the loss that it is trained with.

    Args:
        loss: a Keras loss object, function or name. Cross-entropies say by their `from_logits` whether the network
            returns logits or probabilities; every other loss is taken for regression, and where a penalty computes
            with classes nevertheless, the network's outputs for their logits.

    Returns:
        An `Outputs`.

    Raises:
        ValueError: it is not one loss for one output, it is no mean over the batch, or it passes over examples.
    """
    if loss is None or isinstance(loss, (list, tuple, dict)):
        raise ValueError(
            f"RegularizedModel needs one loss for the one output of its network, received loss={loss!r}. "
            "Pass compile() a Keras loss, such as SparseCategoricalCrossentropy(from_logits=True)."
        )
    loss = keras.losses.get(loss)
    if getattr(loss, "reduction", MEANS[0]) not in MEANS:  # compile() takes the mean of a function
        allowed = " or ".join(map(repr, MEANS))
        raise ValueError(
            f"Penalties are means over the batch, so the loss has to be one: its reduction must be {allowed}, received "
            f"{loss.reduction!r}."
        )
    if getattr(loss, "ignore_class", None) is not None:
        raise ValueError(
            "Penalties cover all examples, so the loss has to: its ignore_class must be None, received "
            f"{loss.ignore_class!r}. Pass such examples as unlabeled ones, by zoo.datasets.SemiSupervised."
        )
    from_logits = getattr(loss, "from_logits", False)
    if _is_among(loss, CATEGORICAL):
        links = (_identity, _identity) if from_logits else (_log, ops.softmax)
        return Outputs("categorical", *links, sparse=_is_among(loss, SPARSE))
    if _is_among(loss, BINARY):
        if from_logits:
            return Outputs("binary", _pad_binary, lambda logits: logits[:, 1:] - logits[:, :1])
        return Outputs("binary", _binary_log, lambda logits: ops.softmax(logits)[:, 1:])
    return Outputs("regression", _identity, _identity)


def returns_logits(loss):
    """Whether a loss is a cross-entropy that takes the logits of classes."""
    outputs = outputs_of(loss)
    return outputs.kind == "categorical" and outputs.to_logits is _identity


def per_example_loss(loss):
    """The loss of each example, before any reduction.

    Args:
        loss: a Keras loss object, function or name.

    Returns:
        `(labels, outputs) -> (n,)`.
    """
    loss = keras.losses.get(loss)
    values, sparse = loss.call if isinstance(loss, keras.losses.Loss) else loss, _is_among(loss, SPARSE)

    def compute(labels, outputs):
        if not sparse:
            labels = ops.cast(labels, outputs.dtype)  # as compile() does
        if outputs.shape[-1] == 1 and len(labels.shape) == 1:
            labels = ops.expand_dims(labels, -1)  # as compile() does for losses that are functions
        each = values(labels, outputs)
        return ops.mean(ops.reshape(each, (ops.shape(outputs)[0], -1)), axis=-1)

    return compute


def check_outputs(outputs, kind):
    """Refuses network outputs that no penalty could work with, and returns them in at least single precision.

    Raises:
        ValueError: several outputs, a shape other than `(batch, units)`, or units that do not suit the loss.
    """
    if isinstance(outputs, (list, tuple, dict)):
        raise ValueError(f"RegularizedModel wraps networks with one output, received {len(outputs)} outputs.")
    units = outputs.shape[-1] if len(outputs.shape) == 2 else None
    fits = {"categorical": units and units >= 2, "binary": units == 1, "regression": units}[kind]
    if not fits:
        wanted = {"categorical": "at least 2", "binary": "1", "regression": "any number of"}[kind]
        raise ValueError(
            f"With its {kind} loss the network must return outputs of shape (batch, units) with {wanted} units, "
            f"received outputs of shape {tuple(outputs.shape)}."
        )
    return at_least_single(outputs)
