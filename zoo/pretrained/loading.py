"""Finding and loading published models."""

import os
import pathlib

import keras

from zoo.pretrained.card import CARD_FILE, card_names, read_card, verify
from zoo.pretrained.exporting import VARIABLE_KEY, import_tensorflow, normalization_layers, serving_weights
from zoo.pretrained.safe_deserialization import read_model
from zoo.validation import check_choice


def default_directory():
    """Where published models lie: `ZOO_SAVED_MODELS`, else `saved_models` beside the package or in this folder."""
    if "ZOO_SAVED_MODELS" in os.environ:
        return pathlib.Path(os.environ["ZOO_SAVED_MODELS"])
    beside = pathlib.Path(__file__).resolve().parent.parent / "saved_models"
    return beside if beside.is_dir() else pathlib.Path("saved_models")


def list_models(directory=None):
    """The names of the published models, sorted.

    Args:
        directory: folder of SavedModels; by default `default_directory()`.
    """
    return card_names(directory or default_directory())


def find(name, directory=None):
    """The folder of a model given by its name or its path.

    Args:
        name: a name from `list_models`, or the path of a SavedModel.
        directory: folder of SavedModels; by default `default_directory()`.

    Raises:
        ValueError: there is no such model, with the nearest name.
    """
    if (pathlib.Path(name) / CARD_FILE).is_file():
        return pathlib.Path(name)
    directory = pathlib.Path(directory or default_directory())
    names = list_models(directory)
    if not names:
        raise ValueError(f"Unknown model {str(name)!r}: it is no SavedModel's path, and {directory} holds no models.")
    return directory / check_choice(f"model in {directory}", str(name), names)


def model_card(name, directory=None):
    """The card of a published model, as a dictionary.

    Args:
        name: a name from `list_models`, or the path of a SavedModel.
        directory: folder of SavedModels; by default `default_directory()`.
    """
    return read_card(find(name, directory))


def load(name, directory=None):
    """Loads a published model, to predict with or to train further.

    Every file is checked against the card before TensorFlow reads any.

    Args:
        name: a name from `list_models`, or the path of a SavedModel.
        directory: folder of SavedModels; by default `default_directory()`.

    Returns:
        A compiled `RegularizedModel` from raw inputs to logits, with the regularizer that it was trained with. Its
        optimizer is Adam with Keras's defaults: compile it again to choose another.

    Raises:
        ValueError: no such model, or one that is damaged or altered.
        ImportError: TensorFlow is not installed.
    """
    path = find(name, directory)
    content = verify(path)
    tf = import_tensorflow("Reading a SavedModel")
    try:
        model = read_model(content["model"])
        model.build((None, *content["input_shape"]))
        reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
        for index, weight in enumerate(serving_weights(model)):
            weight.assign(reader.get_tensor(VARIABLE_KEY.format(index)))
    except Exception as error:  # Keras and TensorFlow raise any, where a card describes no model or another one
        raise ValueError(f"The card of {path} does not describe a model with these weights: {error}") from error
    for layer in normalization_layers(model):
        layer.finalize_state()  # it computes with values derived from its weights
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model
