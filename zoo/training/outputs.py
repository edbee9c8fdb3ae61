"""The meaning of a network's outputs, from its loss, and the logits that penalties use."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.backend.moments import mean

Tensor = Any  # a tensor of the backend


class Outputs(NamedTuple):
    """The correspondence between a network's outputs and logits.

    Attributes:
        kind: `"categorical"`, `"binary"` or `"regression"`.
        to_logits: outputs to logits `(n, k)`. A single binary output becomes the logits of two classes.
        from_logits: inverse of `to_logits`.
        sparse: whether labels are class indices.

    Example:
        >>> from zoo.training.outputs import outputs_of
        >>> outputs_of("sparse_categorical_crossentropy").sparse
        True
    """

    kind: str
    to_logits: Callable[[Tensor], Tensor]
    from_logits: Callable[[Tensor], Tensor]
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
    """Whether a loss is one of these functions, or an instance of one of these classes."""
    if isinstance(loss, keras.losses.Loss):
        return isinstance(loss, tuple(each for each in losses if isinstance(each, type)))
    return loss in losses


def outputs_of(loss: Any) -> Outputs:
    """The meaning of a network's outputs, from the loss that trains it.

    Args:
        loss: a Keras loss object, function or name. The `from_logits` of a cross-entropy says whether the network
            returns logits or probabilities. Any other loss counts as regression; a penalty that computes with classes
            then uses the outputs as logits.

    Returns:
        An `Outputs`.

    Raises:
        ValueError: there is not exactly one loss, its reduction is not a mean over the batch, or it ignores a class.

    Example:
        >>> from zoo.training.outputs import outputs_of
        >>> outputs_of(keras.losses.BinaryCrossentropy(from_logits=True)).kind
        'binary'
    """
    if loss is None or isinstance(loss, (list, tuple, dict)):
        raise ValueError(
            f"The model needs one loss for the one output of its network, received loss={loss!r}. "
            "Pass a Keras loss to compile(), such as SparseCategoricalCrossentropy(from_logits=True)."
        )
    loss = keras.losses.get(loss)
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
    from_logits = getattr(loss, "from_logits", False)
    if _is_among(loss, CATEGORICAL):
        links = (_identity, _identity) if from_logits else (_log, ops.softmax)
        return Outputs("categorical", *links, sparse=_is_among(loss, SPARSE))
    if _is_among(loss, BINARY):
        if from_logits:
            return Outputs("binary", _pad_binary, lambda logits: logits[:, 1:] - logits[:, :1])
        return Outputs("binary", _binary_log, lambda logits: ops.softmax(logits)[:, 1:])
    return Outputs("regression", _identity, _identity)


def returns_logits(loss: Any) -> bool:
    """Whether a loss is a categorical cross-entropy of logits.

    Args:
        loss: a Keras loss object, function or name.

    Example:
        >>> from zoo.training.outputs import returns_logits
        >>> returns_logits(keras.losses.SparseCategoricalCrossentropy(from_logits=True)), returns_logits("mse")
        (True, False)
    """
    outputs = outputs_of(loss)
    return outputs.kind == "categorical" and outputs.to_logits is _identity


def per_example_loss(loss: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of each example, before any reduction.

    Args:
        loss: a Keras loss object, function or name.

    Returns:
        `(labels, outputs) -> (n,)`.

    Example:
        >>> from zoo.training.outputs import per_example_loss
        >>> np.asarray(per_example_loss("mse")(np.array([[1.0], [2.0]]), np.array([[1.0], [5.0]])))
        array([0., 9.])
    """
    loss = keras.losses.get(loss)
    values, sparse = loss.call if isinstance(loss, keras.losses.Loss) else loss, _is_among(loss, SPARSE)

    def compute(labels, outputs):
        if not sparse:
            labels = ops.cast(labels, outputs.dtype)  # as a compiled model does
        if outputs.shape[-1] == 1 and len(labels.shape) == 1:
            labels = ops.expand_dims(labels, -1)  # as a compiled model does for losses that are functions
        each = values(labels, outputs)
        return mean(ops.reshape(each, (ops.shape(outputs)[0], -1)), axis=-1)

    return compute


def check_outputs(outputs: Any, kind: str) -> Tensor:
    """Refuses network outputs that penalties cannot use.

    Args:
        outputs: outputs of the network.
        kind: `"categorical"`, `"binary"` or `"regression"`.

    Returns:
        The outputs, `(n, units)`, in at least single precision.

    Raises:
        ValueError: there are several outputs, their shape is not `(batch, units)`, or the units do not suit the loss.

    Example:
        >>> from zoo.training.outputs import check_outputs
        >>> check_outputs(keras.ops.zeros((2, 3)), "categorical").shape.as_list()
        [2, 3]
    """
    if isinstance(outputs, (list, tuple, dict)):
        raise ValueError(f"The network must have one output, received {len(outputs)} outputs.")
    units = outputs.shape[-1] if len(outputs.shape) == 2 else None
    fits = {"categorical": units and units >= 2, "binary": units == 1, "regression": units}[kind]
    if not fits:
        wanted = {"categorical": "at least 2", "binary": "1", "regression": "any number of"}[kind]
        raise ValueError(
            f"With its {kind} loss the network must return outputs of shape (batch, units) with {wanted} units, "
            f"received outputs of shape {tuple(outputs.shape)}."
        )
    return at_least_single(outputs)


def at_least_single(tensor: Tensor) -> Tensor:
    """Casts a tensor in half precision to float32. Another tensor does not change.

    Args:
        tensor: floating-point tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> from zoo.training.outputs import at_least_single
        >>> keras.backend.standardize_dtype(at_least_single(keras.ops.ones(2, "bfloat16")).dtype)
        'float32'
    """
    half = keras.backend.standardize_dtype(tensor.dtype) in ("float16", "bfloat16")
    return ops.cast(tensor, "float32") if half else tensor
