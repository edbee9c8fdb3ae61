"""The logits of a classifier, whatever its outputs are: logits, probabilities, or one unit for two classes."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.keras_internals import last_layer, takes_training
from zoo.training.heads import is_nested
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import at_least_single, outputs_of

Tensor = Any  # a tensor of the backend, or a NumPy array

KINDS = ("logits", "probabilities", "binary_logits", "binary_probabilities")


@contextlib.contextmanager
def _linear(layer: Any) -> Iterator[None]:
    """Runs a layer without its activation."""
    activation = layer.activation
    layer.activation = keras.activations.linear
    try:
        yield
    finally:
        layer.activation = activation


def _of_activation(layer: Any) -> str | None:
    """The kind of the outputs of a last layer, or None if its activation does not say."""
    activation = getattr(layer, "activation", None)
    if type(layer).__name__ == "Softmax" or activation is keras.activations.softmax:  # a layer or a keras.ops.softmax
        return "probabilities"
    if type(layer).__name__ == "Sigmoid" or activation is keras.activations.sigmoid:
        return "binary_probabilities"
    return None


def _of_loss(model: Any) -> str | None:
    """The kind of the outputs that the loss of a compiled model expects, or None if it does not say."""
    loss = getattr(model, "loss", None)
    if loss is None:
        return None
    if isinstance(model, ObjectiveModel):
        outputs = model.outputs_of_loss()  # which also knows the arguments `output` and `outputs` of the model
    elif is_nested(loss):
        return None
    else:
        outputs = outputs_of(loss)
    if outputs.kind == "categorical":
        return "logits" if outputs.logits else "probabilities"
    if outputs.kind in ("binary", "multilabel"):  # `to_logits` refuses several units that decide alone
        return "binary_logits" if outputs.logits else "binary_probabilities"
    return None


def outputs_kind(network: Any) -> str:
    """What the outputs of a network are: one of `KINDS`.

    The activation of the last layer decides, then the loss of a compiled model. A network that says neither returns
    logits.

    Args:
        network: Keras network, or any function of one tensor.

    Example:
        >>> from zoo.analysis.logits import outputs_kind
        >>> outputs_kind(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")]))
        'probabilities'
    """
    return _of_activation(last_layer(network)) or _of_loss(network) or "logits"


def _log(probabilities: Tensor) -> Tensor:
    # The smallest number, not 1e-7: below a clamp the gradient would vanish.
    return ops.log(ops.maximum(probabilities, float(np.finfo("float32").tiny)))


def to_logits(outputs: Tensor, kind: str) -> Tensor:
    """Logits of at least 2 classes from outputs of a kind in `KINDS`; a single unit h becomes `(0, h)`.

    Args:
        outputs: `(n, k)`.
        kind: of the outputs.

    Returns:
        `(n, max(k, 2))`.

    Raises:
        ValueError: the outputs of a binary kind are not one unit.

    Example:
        >>> from zoo.analysis.logits import to_logits
        >>> np.asarray(to_logits(np.array([[3.0]]), "binary_logits"))
        array([[0., 3.]])
    """
    if kind.startswith("binary") and outputs.shape[-1] != 1:
        raise ValueError(
            f"Outputs of the kind {kind!r} must be one unit, received {outputs.shape[-1]} units. If an input can have "
            "several labels, pass a function that returns the logits of one decision, such as "
            "lambda x: keras.ops.concatenate([-h(x)[:, :1], h(x)[:, :1]], axis=-1)."
        )
    if kind == "binary_probabilities":
        return ops.concatenate([_log(1 - outputs), _log(outputs)], axis=-1)
    if kind == "binary_logits":
        return ops.concatenate([ops.zeros_like(outputs), outputs], axis=-1)
    return _log(outputs) if kind == "probabilities" else outputs


def logits_of(network: Callable[..., Tensor], inputs: Tensor, kind: str, *, training: bool = False) -> Tensor:
    """The logits of a network, in at least single precision.

    An activation softmax or sigmoid of the last layer is left out: its inverse would round confident predictions.

    Args:
        network: Keras network, or any function of one tensor.
        inputs: `(n, ...)`, as the network takes them.
        kind: of the network's outputs, see `outputs_kind`.
        training: mode of the network: prediction or training.

    Returns:
        `(n, k)`.

    Example:
        >>> from zoo.analysis.logits import logits_of
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
        >>> logits_of(network, np.zeros((2, 4)), "binary_probabilities").shape.as_list()
        [2, 2]
    """
    layer = last_layer(network)
    named = getattr(layer, "activation", None) in (keras.activations.softmax, keras.activations.sigmoid)
    with _linear(layer) if named else contextlib.nullcontext():
        outputs = network(inputs, training=training) if takes_training(network) else network(inputs)
    if isinstance(network, ObjectiveModel):
        outputs = network.at_head(outputs)
    if named:
        kind = {"probabilities": "logits", "binary_probabilities": "binary_logits"}.get(kind, kind)
    return to_logits(at_least_single(outputs), kind)
