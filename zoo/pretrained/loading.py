"""Loading published models as Keras models."""

import os
from typing import Any

import keras

from zoo.optional import require
from zoo.pretrained.card import read_card, verify
from zoo.pretrained.exporting import VARIABLE_KEY, normalization_layers, serving_weights
from zoo.pretrained.finding import find
from zoo.pretrained.safe_deserialization import read_model
from zoo.training import RegularizedModel


def model_card(name: str | os.PathLike, directory: str | os.PathLike | None = None) -> dict[str, Any]:
    """Returns the card of a published model, as `find` finds it.

    Args:
        name: a name from `list_models(remote=True)`, the path of a SavedModel, or an address, see `find`.
        directory: folder of SavedModels. By default, all places that `find` knows.

    Returns:
        The card, a dictionary with the keys `name`, `errors`, `num_parameters`, `input_shape`, `recipe` and others.

    Raises:
        OSError: the model cannot be downloaded, or the disk is full.
        ValueError: there is no such model, or its card is damaged or altered.

    Example:
        >>> import zoo
        >>> sorted(zoo.model_card("synthetic_mlp-vat")["errors"])
        ['test', 'train']
    """
    return read_card(find(name, directory))


def load(name: str | os.PathLike, directory: str | os.PathLike | None = None) -> RegularizedModel:
    """Loads a published model, for prediction or further training.

    Downloads the model if it is nowhere on this machine, see `find`. Checks every file against the card before
    TensorFlow reads any of them.

    Args:
        name: a name from `list_models(remote=True)`, the path of a SavedModel, or an address: `hf://user/name`,
            `hf://user/name@revision` or `https://host/path/name`.
        directory: folder of SavedModels. By default, all places that `find` knows.

    Returns:
        A compiled `RegularizedModel` from raw inputs to logits, with the regularizer of its training. Its optimizer is
        Adam with Keras's defaults. Compile the model again to choose another optimizer.

    Raises:
        ImportError: TensorFlow is not installed, or huggingface_hub is not and the address begins with `hf://`.
        OSError: the model cannot be downloaded, or the disk is full.
        ValueError: there is no such model, or it is damaged or altered.

    Example:
        >>> import numpy as np
        >>> import zoo
        >>> model = zoo.load("synthetic_mlp-vat")
        >>> model.predict(np.zeros((3, 100)), verbose=0).shape
        (3, 2)
    """
    path = find(name, directory)
    content = verify(path)
    if not content["model"]:
        raise ValueError(
            f"{path} comes from a network without get_config(), so it cannot become a Keras model again. Predict with "
            'keras.layers.TFSMLayer(path, call_endpoint="logits") or tf.saved_model.load(path).'
        )
    tf: Any = require("tensorflow", "Reading a SavedModel")
    try:
        model = read_model(content["model"])
        model.build((None, *content["input_shape"]))
        reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
        for index, weight in enumerate(serving_weights(model)):
            weight.assign(reader.get_tensor(VARIABLE_KEY.format(index)))
    except Exception as error:  # Keras and TensorFlow raise errors of many types
        raise ValueError(f"The card of {path} does not describe a model with these weights: {error}") from error
    for layer in normalization_layers(model):
        layer.finalize_state()  # Keras computes with values derived from its weights
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model
