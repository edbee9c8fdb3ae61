"""Ordinary Keras models of trained classifiers, which need no zoo."""

from collections.abc import Iterator
from typing import Any

import keras

from zoo.backend.keras_internals import flatten_layers
from zoo.layers import BatchNormalization
from zoo.pretrained.exportable import check_single_input
from zoo.training import RegularizedModel
from zoo.training.outputs import returns_logits
from zoo.validation import check_choice

OUTPUTS = ("logits", "probabilities")
OURS_AND_KERAS = "zoo>BatchNormalization"  # the layer that can become Keras's


def plain(model: RegularizedModel, outputs: str = "logits") -> keras.Model:
    """Copies preprocessing and network into an ordinary Keras model, which needs no zoo.

    `keras.models.load_model` reads its `.keras` file on every backend, without the zoo. Our `BatchNormalization`
    becomes Keras's, which has the same weights and results.

    Args:
        model: built `RegularizedModel`.
        outputs: `"logits"`: what the network returns; or `"probabilities"`: a softmax of its logits.

    Returns:
        A `keras.Model` from raw inputs. It is not compiled.

    Raises:
        TypeError: `model` is not a `RegularizedModel`.
        ValueError: the model is not built, has several inputs, or has parts that are not Keras's, which the message
            names; or `outputs` is `"probabilities"` and the network does not return logits of classes.

    Example:
        >>> import keras
        >>> import zoo
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[8]), zoo.WeightNoise(0.1))
        >>> model.build((None, 4))
        >>> network = zoo.pretrained.plain(model, "probabilities")
        >>> type(network).__module__.split(".")[0], network.output_shape
        ('keras', (None, 3))
    """
    check_choice("outputs", outputs, OUTPUTS)
    check_single_input(model, "A plain model")
    if outputs == "probabilities" and model.compiled and not returns_logits(model.loss, model.meaning):
        raise ValueError(f"A softmax needs logits of classes, received loss={model.loss!r}. Choose outputs='logits'.")
    parts = [part for part in (model.preprocessing, model.network) if part is not None]
    _check_parts(parts)
    values = inputs = keras.Input(model.raw_input_shape)
    for part in parts:
        copied = _copy(part)
        values = copied(values)
        copied.set_weights(part.get_weights())
    if outputs == "probabilities":
        values = keras.layers.Softmax(dtype="float32", name="probabilities")(values)
    network = keras.Model(inputs, values, name=model.network.name)
    for layer in flatten_layers(network):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # Keras computes with values derived from its weights
    return network


def _copy(part: keras.Layer) -> Any:
    """A copy of a model or a layer, with other weights."""
    if isinstance(part, keras.Model):
        return keras.models.clone_model(part, clone_function=_copy_layer, recursive=True)
    return _copy_layer(part)


def _copy_layer(layer: keras.Layer) -> keras.Layer:
    kind: Any = keras.layers.BatchNormalization if type(layer) is BatchNormalization else type(layer)
    return kind.from_config(layer.get_config())


def _check_parts(parts: list[Any]) -> None:
    try:
        foreign = [name for part in parts for name in _foreign(keras.saving.serialize_keras_object(part))]
    except NotImplementedError as error:
        raise ValueError(f"Keras cannot copy the network, because it has no get_config(): {error}") from error
    if foreign:
        raise ValueError(
            f"The model needs the zoo, or code of yours, because of {', '.join(dict.fromkeys(foreign))}. Export a "
            "SavedModel instead, which needs TensorFlow alone."
        )


def _foreign(config: Any) -> Iterator[str]:
    """The parts of a serialized model that are not Keras's."""
    if isinstance(config, list):
        for value in config:
            yield from _foreign(value)
    if not isinstance(config, dict):
        return
    module, registered = config.get("module"), config.get("registered_name")
    if isinstance(module, str) and module.split(".")[0] not in ("keras", "builtins") and registered != OURS_AND_KERAS:
        name = (config.get("config") or {}).get("name")
        yield f"{name!r} ({config['class_name']})" if name else config["class_name"]
        return  # what is inside belongs to it
    for value in config.values():
        yield from _foreign(value)
