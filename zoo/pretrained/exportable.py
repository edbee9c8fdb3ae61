"""Which models can be written in other formats."""

from typing import Any

import keras

from zoo.training import RegularizedModel
from zoo.training.outputs import returns_logits


def check_exportable(model: Any, what: str = "A SavedModel") -> None:
    """Checks that a model can be exported.

    Args:
        model: the model, which must be a built `RegularizedModel`.
        what: name of the output in the messages.

    Raises:
        TypeError: `model` is not a `RegularizedModel`.
        ValueError: Keras does not run on TensorFlow, the model is not built or has several inputs, or its loss does not
            take the logits of classes.

    Example:
        >>> import zoo
        >>> from zoo.pretrained.exportable import check_exportable
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[]))
        >>> model.build((None, 4))
        >>> check_exportable(model)
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"{what} needs the TensorFlow backend, received {keras.backend.backend()!r}. Save the weights, and load "
            "them in a process with KERAS_BACKEND=tensorflow."
        )
    check_single_input(model, what)
    if len(model.outputs) > 1:
        raise ValueError(
            f"{what} has one output, received a network with outputs {model.output_shape}. Wrap one of them: "
            "RegularizedModel(keras.Model(network.inputs, network.outputs[0])) shares the weights."
        )
    if model.compiled and not returns_logits(model.loss, model.meaning):
        raise ValueError(
            f"{what} needs a network that returns the logits of two or more classes, and a categorical cross-entropy "
            f"with from_logits=True, received loss={model.loss!r}."
        )


def check_single_input(model: Any, what: str) -> None:
    """Refuses what is not a built model of one array of raw inputs.

    Args:
        model: model to write or to convert.
        what: name of the output in the messages.

    Raises:
        TypeError: `model` is not a `RegularizedModel`.
        ValueError: the model is not built, or has several inputs.

    Example:
        >>> from zoo.pretrained.exportable import check_single_input
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[]))
        >>> model.build((None, 4))
        >>> check_single_input(model, "A SavedModel")
    """
    if not isinstance(model, RegularizedModel):
        raise TypeError(f"{what} takes a RegularizedModel, received {type(model).__name__}. Wrap the network first.")
    if not model.built or model.raw_input_shape is None:
        raise ValueError(
            f"{what} takes a built model, received {model.name!r}, which is not. Call it on a batch, or build it with "
            "its input shape."
        )
    if isinstance(model.raw_input_shape, dict) or any(map(keras.tree.is_nested, model.raw_input_shape)):
        raise ValueError(
            f"{what} takes one array of raw inputs, received several, {model.raw_input_shape}. Use Keras's own "
            "model.network.export(path)."
        )
