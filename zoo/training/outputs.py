"""The meaning of a network's outputs, and the logits and the distribution that penalties look at."""

import warnings
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.training.losses import BINARY, CATEGORICAL, SPARSE, check_mean, is_among, unwrap

Tensor = Any  # a tensor of the backend

UNITS = {"categorical": "at least 2", "binary": "1", "multilabel": "any number of", "regression": "any number of"}


class Outputs(NamedTuple):
    """The correspondence between the outputs of a network, or of one of its heads, and logits.

    Attributes:
        kind: `"categorical"`, `"binary"`, `"multilabel"` or `"regression"`. A binary loss over several units is
            multi-label: `of_units` says so.
        logits: whether the network returns logits. Otherwise it returns probabilities.
        sparse: whether labels are class indices.
        unit_labels: whether labels are from 0 to 1, one for each unit.

    Example:
        >>> from zoo.training.outputs import outputs_of
        >>> outputs_of("binary_crossentropy").of_units(5).kind
        'multilabel'
    """

    kind: str
    logits: bool = True
    sparse: bool = False
    unit_labels: bool = False

    @property
    def distribution(self) -> str:
        """`"bernoulli"` if every unit decides alone, else `"categorical"`."""
        return "bernoulli" if self.kind == "multilabel" else "categorical"

    def of_units(self, units: int) -> "Outputs":
        """The meaning of outputs with this number of units."""
        if self.kind == "binary" and units > 1:
            return self._replace(kind="multilabel")
        if self.kind == "categorical" and units == 1 and not (self.logits or self.sparse):
            return self._replace(kind="binary")
        return self

    def targets(self, labels: Tensor, logits: Tensor) -> Tensor:
        """Labels as probabilities of the classes, in the shape of their logits `(n, ..., k)`.

        Raises:
            ValueError: the outputs do not decide between classes, or the labels have another shape.
        """
        if self.kind not in ("categorical", "binary"):
            raise ValueError(
                f"The penalty needs labels of one class per example, received {self.kind} outputs. If they are logits "
                'of classes, pass RegularizedModel(..., outputs="logits").'
            )
        given, shape = tuple(labels.shape[1:]), tuple(logits.shape[1:])
        if given not in (shape, shape[:-1], (*shape[:-1], 1)):
            raise ValueError(f"Labels must be class indices {('n', *shape[:-1])} or one-hot, received {('n', *given)}.")
        if given == shape and shape[-1] > 1 and self.kind == "categorical":
            return labels
        labels = ops.reshape(labels, ops.shape(logits)[:-1])
        if self.kind == "categorical":
            return ops.one_hot(ops.cast(labels, "int32"), shape[-1], dtype=logits.dtype)
        labels = ops.cast(labels, logits.dtype)
        return ops.stack([1 - labels, labels], axis=-1)

    def to_logits(self, outputs: Tensor, smallest: float | None = None) -> Tensor:
        """The logits of outputs.

        Args:
            outputs: `(n, ..., units)`.
            smallest: probabilities below it count as it, and have gradient 0. None takes Keras's epsilon, 1e-7, as
                Keras's losses do.

        Returns:
            `(n, ..., k)`. A binary unit h becomes the logits `(0, h)` of two classes.
        """

        def log(probabilities):
            return ops.log(ops.maximum(probabilities, keras.config.epsilon() if smallest is None else smallest))

        if self.kind == "binary":
            of_class_0 = ops.zeros_like(outputs) if self.logits else log(1 - outputs)
            return ops.concatenate([of_class_0, outputs if self.logits else log(outputs)], axis=-1)
        if self.logits:
            return outputs
        return log(outputs) - log(1 - outputs) if self.kind == "multilabel" else log(outputs)

    def from_logits(self, logits: Tensor) -> Tensor:
        """The inverse of `to_logits`."""
        if self.kind == "binary":
            return logits[..., 1:] - logits[..., :1] if self.logits else ops.softmax(logits)[..., 1:]
        if self.logits:
            return logits
        return ops.sigmoid(logits) if self.kind == "multilabel" else ops.softmax(logits)


MEANINGS = {
    "logits": Outputs("categorical"),
    "probabilities": Outputs("categorical", logits=False),
    "binary_logits": Outputs("binary"),
    "binary_probabilities": Outputs("binary", logits=False),
    "multilabel_logits": Outputs("multilabel"),
    "values": Outputs("regression"),
}
"""What the outputs of a network may be. One unit of probabilities is binary, several binary units are multi-label."""


def outputs_of(loss: Any, meaning: str | None = None) -> Outputs:
    """The meaning of a network's outputs, from the loss that trains it.

    Args:
        loss: a Keras loss object, function or name. The `from_logits` of a cross-entropy says whether the network
            returns logits or probabilities. Any other loss counts as regression; a penalty that computes with classes
            then uses the outputs as logits.
        meaning: one of `MEANINGS`, which overrides what the loss says; or None.

    Returns:
        An `Outputs`.

    Raises:
        ValueError: there is not exactly one loss, its reduction is not a mean over the batch, or it ignores a class.

    Example:
        >>> from zoo.training.outputs import outputs_of
        >>> outputs_of(keras.losses.BinaryCrossentropy(from_logits=True)).kind
        'binary'
        >>> outputs_of(lambda y, p: keras.losses.categorical_crossentropy(y, p), "probabilities").kind
        'categorical'
    """
    if loss is None or isinstance(loss, (list, tuple, dict)):
        raise ValueError(
            f"The model needs one loss for the one output of its network, received loss={loss!r}. "
            "Pass a Keras loss to compile(), such as SparseCategoricalCrossentropy(from_logits=True)."
        )
    loss = keras.losses.get(loss)
    check_mean(loss)
    loss, from_logits = unwrap(loss)
    sparse, binary = is_among(loss, SPARSE), is_among(loss, BINARY)
    if meaning is not None:
        named = MEANINGS["binary_probabilities" if binary and meaning == "probabilities" else meaning]
        return named._replace(sparse=sparse, unit_labels=binary)
    if is_among(loss, CATEGORICAL):
        return Outputs("categorical", logits=from_logits, sparse=sparse)
    return Outputs("binary", logits=from_logits, unit_labels=True) if binary else Outputs("regression")


def warn_of_guess(loss: Any) -> None:
    """Warns if a loss that is not Keras's own does not say what the outputs of the network mean.

    Args:
        loss: a loss object, function or name.

    Example:
        >>> from zoo.training.outputs import warn_of_guess
        >>> warn_of_guess("mse")
    """
    loss, _ = unwrap(keras.losses.get(loss))
    known = is_among(loss, CATEGORICAL | BINARY)
    module = getattr(loss, "__module__", None) or ""
    if not known and module.split(".")[0] != "keras":
        name = getattr(loss, "__name__", type(loss).__name__)
        warnings.warn(
            f"The loss {name!r} does not say what the network returns. Penalties take its outputs for logits. Say what "
            f"they are: RegularizedModel(..., outputs=...) with one of {', '.join(map(repr, MEANINGS))}.",
            stacklevel=4,
        )


def returns_logits(loss: Any, meaning: str | None = None) -> bool:
    """Whether a loss is a categorical cross-entropy of logits.

    Args:
        loss: a Keras loss object, function or name.
        meaning: one of `MEANINGS`, which overrides what the loss says; or None.

    Example:
        >>> from zoo.training.outputs import returns_logits
        >>> returns_logits(keras.losses.SparseCategoricalCrossentropy(from_logits=True)), returns_logits("mse")
        (True, False)
    """
    outputs = outputs_of(loss, meaning)
    return outputs.kind == "categorical" and outputs.logits


def check_outputs(outputs: Any, kind: str) -> Tensor:
    """Refuses network outputs that penalties cannot use.

    Args:
        outputs: outputs of the network, or of one of its heads.
        kind: kind of the `Outputs`.

    Returns:
        The outputs, `(n, ..., units)`, in at least single precision.

    Raises:
        ValueError: there are several outputs, there is no axis of units, or the units do not suit the loss.

    Example:
        >>> from zoo.training.outputs import check_outputs
        >>> check_outputs(keras.ops.zeros((2, 3)), "categorical").shape.as_list()
        [2, 3]
    """
    units = outputs.shape[-1] if len(outputs.shape) >= 2 else None
    fits = {"categorical": units and units >= 2, "binary": units == 1}.get(kind, units)
    if not fits:
        raise ValueError(
            f"With its {kind} loss the network must return outputs of shape (batch, units), or (batch, ..., units) for "
            f"dense ones, with {UNITS[kind]} units, received outputs of shape {tuple(outputs.shape)}."
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
