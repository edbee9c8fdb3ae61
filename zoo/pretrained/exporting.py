"""Export of classifiers as SavedModels."""

import datetime
import os
import pathlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.keras_internals import flatten_layers
from zoo.files import atomic
from zoo.optional import require
from zoo.pretrained.card import write_card
from zoo.pretrained.exportable import check_exportable
from zoo.regularizers.math.decisions import share_misclassified
from zoo.training import RegularizedModel

BATCH_SIZE = 500
VARIABLE_KEY = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"


def serving_weights(model: RegularizedModel) -> list[Any]:
    """Lists the weights that a prediction depends on, in a fixed order: preprocessing, then network.

    Args:
        model: built `RegularizedModel`.

    Example:
        >>> import zoo
        >>> from zoo.pretrained.exporting import serving_weights
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[]))
        >>> [tuple(weight.shape) for weight in serving_weights(model)]
        [(4, 3), (3,)]
    """
    layers = [layer for layer in (model.preprocessing, model.network) if layer is not None]
    return [weight for layer in layers for weight in layer.weights]


def normalization_layers(model: RegularizedModel) -> list[Any]:
    """Lists the `keras.layers.Normalization` layers of the preprocessing.

    These layers compute with tensors that Keras derives from their weights and does not update with them.

    Args:
        model: `RegularizedModel`.

    Example:
        >>> import zoo
        >>> from zoo.pretrained.exporting import normalization_layers
        >>> normalization_layers(zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[])))
        []
    """
    layers = flatten_layers(model.preprocessing) if model.preprocessing is not None else ()
    return [layer for layer in layers if isinstance(layer, keras.layers.Normalization)]


def _write_saved_model(model: RegularizedModel, path: pathlib.Path) -> None:
    tf: Any = require("tensorflow", "Writing a SavedModel")
    # Not keras.export.ExportArchive: it stores every weight twice, as a Keras and as a TensorFlow variable.
    module = tf.Module()
    module.weights = [weight.value for weight in serving_weights(model)]
    input_shape: Any = model.raw_input_shape
    signature = [tf.TensorSpec((None, *input_shape), tf.float32, name="inputs")]

    @tf.function(input_signature=signature)
    def logits(inputs):
        return ops.cast(model(inputs, training=False), "float32")

    @tf.function(input_signature=signature)
    def serve(inputs):
        return ops.softmax(logits(inputs))

    module.serve, module.logits = serve, logits
    signatures = {"serving_default": serve, "serve": serve, "logits": logits}
    try:
        tf.saved_model.save(module, str(path), signatures=signatures)
    except tf.errors.OpError as error:
        raise OSError(f"The SavedModel cannot be written to {path.parent} ({error.message}).") from error


def error_percent(predict: Callable[[np.ndarray], Any], x: np.ndarray, y: np.ndarray) -> float:
    """Computes the classification error in percent, 0 to 100.

    Args:
        predict: function from raw inputs `(n, ...)` in float32 to scores `(n, num_classes)`.
        x: raw inputs, `(n, ...)`.
        y: class indices, `(n,)` or `(n, 1)`.

    Raises:
        ValueError: there is no input, or there are not as many labels as inputs.

    Example:
        >>> import numpy as np
        >>> import zoo
        >>> scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
        >>> zoo.pretrained.error_percent(lambda x: x, scores, np.array([0, 1, 0, 0]))
        25.0
    """
    if len(x) != len(y) or not len(x):
        raise ValueError(f"There must be as many labels as inputs, at least one, received {len(y)} and {len(x)}.")
    misclassified = 0
    for start in range(0, len(x), BATCH_SIZE):
        scores = ops.convert_to_numpy(predict(x[start : start + BATCH_SIZE].astype("float32")))
        misclassified += int(np.sum(share_misclassified(scores, y[start : start + BATCH_SIZE].ravel(), "categorical")))
    return 100 * misclassified / len(x)


def split_errors(
    predict: Callable[[np.ndarray], Any], splits: Mapping[str, tuple[np.ndarray, np.ndarray]], verbose: int = 0
) -> dict[str, float]:
    """Computes the classification error in percent on each split.

    Args:
        predict: as for `error_percent`.
        splits: `{name: (x, y)}`, raw inputs and class indices.
        verbose: 1 shows one progress bar for all splits.

    Example:
        >>> from zoo.pretrained.exporting import split_errors
        >>> split_errors(lambda x: x, {"test": (np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))})
        {'test': 50.0}
    """
    total = sum(len(y) for _, y in splits.values())
    bar = keras.utils.Progbar(total, unit_name="example") if verbose and total else None

    def counted(x):
        scores = predict(x)
        if bar is not None:
            bar.add(len(x))
        return scores

    return {split: error_percent(counted, x, y) for split, (x, y) in splits.items()}


def _configuration(model):
    """The configuration of a model, or an empty one for a subclassed network without `get_config`."""
    try:
        return keras.saving.serialize_keras_object(model)
    except NotImplementedError as error:
        warnings.warn(
            "The SavedModel has the weights and predicts, but zoo.load cannot make a Keras model of it. " + str(error),
            stacklevel=3,
        )
        return {}


def export(
    model: RegularizedModel,
    path: str | os.PathLike,
    *,
    card: Mapping[str, Any] | None = None,
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    verbose: int = 0,
) -> dict[str, Any]:
    """Writes a classifier as a SavedModel with its card.

    The SavedModel takes raw inputs in float32: pixels from 0 to 255, or raw signals. Its signatures are `serve` (also
    `serving_default`), which returns probabilities, and `logits`. The errors on the card are those of the written
    SavedModel. The write is atomic and replaces an earlier SavedModel.

    Args:
        model: built `RegularizedModel` whose network returns logits.
        path: folder of the SavedModel. Its last component is the name of the model.
        card: further fields of the card, as JSON values.
        splits: `{name: (x, y)}`, the raw inputs and class indices on which to measure the error.
        verbose: 1 shows a progress bar while the errors are measured.

    Returns:
        The card.

    Raises:
        ImportError: TensorFlow is not installed.
        TypeError: `model` is not a `RegularizedModel`.
        ValueError: Keras does not run on TensorFlow, the model is not built or has several inputs, or its loss does not
            take the logits of classes.
        OSError: the SavedModel cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> import zoo
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[]))
        >>> model.build((None, 4))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     card = zoo.export(model, pathlib.Path(folder) / "toy")
        >>> card["name"], card["num_parameters"]
        ('toy', 15)
    """
    check_exportable(model)
    path, input_shape = pathlib.Path(path), list(model.raw_input_shape or ())
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        _write_saved_model(model, temporary)
        tf: Any = require("tensorflow", "Reading a SavedModel")
        loaded = tf.saved_model.load(str(temporary))
        content = {
            "name": path.name,
            **(card or {}),
            "errors": split_errors(loaded.serve, splits or {}, verbose),
            "num_parameters": int(sum(np.prod(weight.shape) for weight in model.network.trainable_weights)),
            "input_shape": input_shape,
            "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "model": _configuration(model),
        }
        return write_card(temporary, content)
