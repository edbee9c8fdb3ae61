"""Finding and loading published models."""

import os
import pathlib
from typing import Any

import keras

from zoo.optional import require
from zoo.pretrained.card import CARD_FILE, card_names, read_card, verify
from zoo.pretrained.exporting import VARIABLE_KEY, normalization_layers, serving_weights
from zoo.pretrained.safe_deserialization import read_model
from zoo.training import RegularizedModel
from zoo.validation import check_choice


def default_directory() -> pathlib.Path:
    """Returns the folder of the published models.

    It is `ZOO_SAVED_MODELS` if set. Otherwise it is the folder `saved_models` next to the package `zoo` if that exists,
    or else the one in the current directory.

    Example:
        >>> import zoo
        >>> zoo.pretrained.default_directory().name
        'saved_models'
    """
    if "ZOO_SAVED_MODELS" in os.environ:
        return pathlib.Path(os.environ["ZOO_SAVED_MODELS"])
    checkout = pathlib.Path(__file__).resolve().parents[2] / "saved_models"
    return checkout if checkout.is_dir() else pathlib.Path("saved_models")


def list_models(directory: str | os.PathLike | None = None) -> list[str]:
    """Lists the names of the published models, sorted.

    Args:
        directory: folder of SavedModels. By default, `default_directory()`.

    Example:
        >>> import zoo
        >>> [name for name in zoo.list_models() if name == "synthetic_mlp-vat"]
        ['synthetic_mlp-vat']
    """
    return card_names(directory or default_directory())


def find(name: str | os.PathLike, directory: str | os.PathLike | None = None) -> pathlib.Path:
    """Returns the folder of a model, given by name or path.

    Args:
        name: a name from `list_models`, or the path of a SavedModel.
        directory: folder of SavedModels. By default, `default_directory()`.

    Raises:
        ValueError: there is no such model. The message gives the nearest name.

    Example:
        >>> import zoo
        >>> zoo.pretrained.find("synthetic_mlp-vat").name
        'synthetic_mlp-vat'
    """
    if (pathlib.Path(name) / CARD_FILE).is_file():
        return pathlib.Path(name)
    directory = pathlib.Path(directory or default_directory())
    names = list_models(directory)
    if not names:
        raise ValueError(
            f"Unknown model {str(name)!r}: it is not the path of a SavedModel, and {directory} holds no models."
        )
    return directory / check_choice(f"model in {directory}", str(name), names)


def model_card(name: str | os.PathLike, directory: str | os.PathLike | None = None) -> dict[str, Any]:
    """Returns the card of a published model.

    Args:
        name: a name from `list_models`, or the path of a SavedModel.
        directory: folder of SavedModels. By default, `default_directory()`.

    Returns:
        The card, a dictionary with the keys `name`, `errors`, `num_parameters`, `input_shape`, `recipe` and others.

    Raises:
        ValueError: there is no such model, or its card is damaged or altered.

    Example:
        >>> import zoo
        >>> sorted(zoo.model_card("synthetic_mlp-vat")["errors"])
        ['test', 'train']
    """
    return read_card(find(name, directory))


def load(name: str | os.PathLike, directory: str | os.PathLike | None = None) -> RegularizedModel:
    """Loads a published model, for prediction or further training.

    Checks every file against the card before TensorFlow reads any of them.

    Args:
        name: a name from `list_models`, or the path of a SavedModel.
        directory: folder of SavedModels. By default, `default_directory()`.

    Returns:
        A compiled `RegularizedModel` from raw inputs to logits, with the regularizer of its training. Its optimizer is
        Adam with Keras's defaults. Compile the model again to choose another optimizer.

    Raises:
        ImportError: TensorFlow is not installed.
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
