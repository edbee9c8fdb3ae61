"""The predictions of a SavedModel, against which commands measure."""

import pathlib
from collections.abc import Callable
from typing import Any

from keras import ops

from zoo import pretrained
from zoo.optional import require
from zoo.pretrained.downloading import is_address


def open_predictions(name: str, path: pathlib.Path) -> Callable[[Any], Any]:
    """Opens a SavedModel for predictions.

    Its own graph is a program. That of a model from an address does not run: Keras computes with its weights.

    Args:
        name: of the model, as the user gave it.
        path: of the SavedModel.

    Returns:
        A function from raw inputs `(n, ...)` in float32 to probabilities `(n, num_classes)`.

    Raises:
        ValueError: the model is from an address, and its card describes no model.
    """
    if is_address(name):
        model = pretrained.load(path)
        return lambda x: ops.softmax(model.predict_on_batch(x))
    saved_model = require("tensorflow", "Reading a SavedModel").saved_model.load(str(path))
    return lambda x: saved_model.serve(x)  # the function alone would not keep the variables
