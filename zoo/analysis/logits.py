"""The logits of a classifier, whatever its outputs are: logits or probabilities, of classes or of units that decide."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from zoo.backend.interception import activation_of, without_activation
from zoo.backend.keras_internals import last_layer, operation_of, takes_training
from zoo.regularizers.math.per_example import position_mask
from zoo.training.heads import Head, is_nested, pick
from zoo.training.inputs import packed
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import MEANINGS, at_least_single, outputs_of

Tensor = Any  # a tensor of the backend, or a NumPy array

KINDS = tuple(name for name, meaning in MEANINGS.items() if meaning.kind != "regression")


class Prediction(NamedTuple):
    """What a network predicts.

    Attributes:
        logits: `(n, k)`, or `(n, ..., k)` for dense outputs such as the classes of pixels.
        distribution: `"categorical"` (one of k classes) or `"bernoulli"` (k labels, each of which holds or not).
        mask: `True` at the positions of dense outputs that count, `(n, ...)`, and not at padding; None if all count.

    Example:
        >>> from zoo.analysis.logits import Prediction
        >>> Prediction(np.zeros((2, 3)), "categorical").decides_once
        True
    """

    logits: Tensor
    distribution: str
    mask: Tensor | None = None

    @property
    def decides_once(self) -> bool:
        """Whether the network chooses one class for each example, so that the example is misclassified or not."""
        return self.distribution == "categorical" and len(self.logits.shape) == 2


def parts_of(model: Any) -> tuple[Any, Any]:
    """The network and the preprocessing of a model; a model of another kind is its own network, without preprocessing.

    Args:
        model: `ObjectiveModel`, another Keras model, or any function.

    Example:
        >>> from zoo.analysis.logits import parts_of
        >>> network = zoo.networks.mlp((4,), 3)
        >>> parts_of(zoo.RegularizedModel(network))[0] is parts_of(network)[0] is network
        True
    """
    return (model.network, model.preprocessing) if isinstance(model, ObjectiveModel) else (model, None)


def _of_activation(layer: Any) -> str | None:
    """The kind of the outputs of a last layer, or None if its activation does not say."""
    activation = activation_of(layer)
    if type(layer).__name__ == "Softmax" or activation is keras.activations.softmax:  # a layer or a keras.ops.softmax
        return "probabilities"
    if type(layer).__name__ == "Sigmoid" or activation is keras.activations.sigmoid:
        return "binary_probabilities"
    return None


def _of_loss(model: Any, head: Head) -> str | None:
    """The meaning of the outputs by the loss of a compiled model, one of `MEANINGS`; None if there is no loss."""
    loss = getattr(model, "loss", None)
    if loss is not None and not isinstance(model, ObjectiveModel) and is_nested(loss):
        loss = None if head is None else pick(loss, head, model.output_names)
    if loss is None:
        return None
    # The model also knows its arguments `output` and `outputs`.
    outputs = model.outputs_of_loss() if isinstance(model, ObjectiveModel) else outputs_of(loss)
    bare = outputs._replace(sparse=False, unit_labels=False)
    return next(name for name, meaning in MEANINGS.items() if meaning == bare)


def check_decides(model: Any, head: Head = None) -> None:
    """Refuses a model that is trained on a regression, and so decides nothing.

    Args:
        model: compiled Keras model.
        head: name or position of the output, if the model has several.

    Raises:
        ValueError: the loss is not one of classes.

    Example:
        >>> from zoo.analysis.logits import check_decides
        >>> check_decides(zoo.networks.mlp((4,), 3))
    """
    if _of_loss(model, head) == "values":
        raise ValueError(
            "Errors count wrong decisions, so the loss must be a cross-entropy of classes, received "
            f"loss={model.loss!r}. If it is your own, pass RegularizedModel(..., outputs='logits')."
        )


def _last(network: Any, head: Head) -> Any:
    """The layer or operation that computes the output of a head, or None if the network does not say."""
    inner, _ = parts_of(network)
    if head is None or not isinstance(inner, keras.Model):
        return last_layer(inner)
    try:
        return operation_of(pick(inner.output, head, inner.output_names))
    except (AttributeError, ValueError):  # a subclass, or a network that is not built
        return None


def outputs_kind(network: Any, head: Head = None) -> str:
    """What the outputs of a network are: one of `KINDS`.

    The activation of the last layer decides, then the loss of a compiled model. A network that says neither returns
    logits.

    Args:
        network: Keras network, or any function.
        head: name or position of the output, if the network has several.

    Example:
        >>> from zoo.analysis.logits import outputs_kind
        >>> outputs_kind(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")]))
        'probabilities'
    """
    kind = _of_activation(_last(network, head)) or _of_loss(network, head)
    return kind if kind in KINDS else "logits"


def to_logits(outputs: Tensor, kind: str, *, linear: bool = False) -> Prediction:
    """Logits from outputs of a kind in `KINDS`.

    A single binary unit h decides between two classes, with the logits `(0, h)`. Several binary units are multi-label:
    each decides whether its label holds, with probability `sigmoid(h)`.

    Args:
        outputs: `(n, ..., units)`.
        kind: of the network's outputs.
        linear: whether `outputs` are already logits, because the last activation was left out.

    Returns:
        A `Prediction` with logits `(n, ..., k)`.

    Example:
        >>> from zoo.analysis.logits import to_logits
        >>> np.asarray(to_logits(np.array([[3.0]]), "binary_logits").logits)
        array([[0., 3.]])
        >>> to_logits(np.array([[3.0, -1.0]]), "binary_logits").distribution
        'bernoulli'
    """
    meaning = MEANINGS[kind].of_units(outputs.shape[-1])
    meaning = meaning._replace(logits=meaning.logits or linear)
    # Not Keras's 1e-7: the gradient, which attacks need, would vanish below it.
    return Prediction(meaning.to_logits(outputs, smallest=float(np.finfo("float32").tiny)), meaning.distribution)


def prediction_of(
    network: Callable[..., Tensor], inputs: Any, kind: str, head: Head = None, *, training: bool = False
) -> Prediction:
    """The prediction of a network, in at least single precision.

    An activation softmax or sigmoid of the last layer is left out: its inverse would round confident predictions. It
    stays if the network calls it in other places, too, or not at all.

    Args:
        network: Keras network, or any function.
        inputs: `(n, ...)` or several, as the network takes them.
        kind: of the network's outputs, see `outputs_kind`.
        head: name or position of the output, if the network has several.
        training: mode of the network: prediction or training.

    Returns:
        A `Prediction`.

    Raises:
        ValueError: the network has several outputs, and `head` is None or unknown.

    Example:
        >>> from zoo.analysis.logits import prediction_of
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
        >>> prediction_of(network, np.zeros((2, 4)), "binary_probabilities").logits.shape.as_list()
        [2, 2]
    """
    layer = _last(network, head)
    named = activation_of(layer) in (keras.activations.softmax, keras.activations.sigmoid)
    inputs = packed(network, inputs)
    run = functools.partial(network, inputs, **({"training": training} if takes_training(network) else {}))
    with without_activation(layer) if named else contextlib.nullcontext([None]) as calls:
        outputs = run()
    if len(calls) != 1:
        named, outputs = False, run()
    names = getattr(network, "output_names", ())
    if head is None and is_nested(outputs):
        known = list(outputs) if isinstance(outputs, dict) else list(names) or list(range(len(outputs)))
        raise ValueError(
            f"The network has {len(outputs)} outputs {known}: name the one to measure, as in "
            f"zoo.analysis.Classifier(network, output={known[0]!r})."
        )
    outputs = pick(outputs, head, names)
    return to_logits(at_least_single(outputs), kind, linear=named)._replace(mask=position_mask(outputs))
