"""Pretrained models: export to SavedModel, list, load."""

import datetime
import pathlib

import keras
import numpy as np
from keras import ops

from zoo.files import atomic
from zoo.pretrained.card import write_card
from zoo.training import RegularizedModel
from zoo.training.outputs import returns_logits

VARIABLE_KEY = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"


def import_tensorflow(purpose):
    """TensorFlow, imported only where a SavedModel is read or written.

    Args:
        purpose: what it is for, as the message should say where it is not installed.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import tensorflow
    except ImportError as error:
        raise ImportError(f"{purpose} needs TensorFlow, which is not installed: pip install tensorflow.") from error
    return tensorflow


def serving_weights(model):
    """The weights that a prediction depends on, in a fixed order: preprocessing, then network.

    Args:
        model: built `RegularizedModel`.
    """
    parts = [part for part in (model.preprocessing, model.network) if part is not None]
    return [weight for part in parts for weight in part.weights]


def normalization_layers(model):
    """The layers of a preprocessing that standardize entries: they compute with tensors beside their weights.

    Args:
        model: `RegularizedModel`.
    """
    layers = model.preprocessing._flatten_layers() if model.preprocessing is not None else ()
    return [layer for layer in layers if isinstance(layer, keras.layers.Normalization)]


def _write_saved_model(model, input_shape, path):
    tf = import_tensorflow("Writing a SavedModel")
    # Not keras.export.ExportArchive: it stores every weight twice, as a Keras and as a TensorFlow variable.
    module = tf.Module()
    module.weights = [weight.value for weight in serving_weights(model)]
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


def error_percent(predict, x, y, batch_size=500):
    """Classification error in per cent, 0 to 100.

    Args:
        predict: maps raw inputs `(n, ...)` in float32 to scores `(n, num_classes)`.
        x, y: raw inputs and class indices.
        batch_size: inputs at a time.
    """
    wrong = 0
    for start in range(0, len(x), batch_size):
        scores = ops.convert_to_numpy(predict(x[start : start + batch_size].astype("float32")))
        wrong += int(np.sum(np.argmax(scores, axis=-1) != y[start : start + batch_size].ravel()))
    return 100 * wrong / len(x)


def check_exportable(model, what="A SavedModel"):
    """Refuses what cannot be exported.

    Args:
        model: should be a built `RegularizedModel`.
        what: what is to be written, as the message should call it.

    Raises:
        ValueError: Keras does not run on TensorFlow, the model is not built, or its loss takes no logits of classes.
        TypeError: the model is no `RegularizedModel`.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"{what} is written by the TensorFlow backend, received {keras.backend.backend()!r}. Do it in a process "
            "with KERAS_BACKEND=tensorflow, which loads the weights that another one saved."
        )
    if not isinstance(model, RegularizedModel):
        raise TypeError(f"export takes a RegularizedModel, received {type(model).__name__}. Wrap the network first.")
    if not model.built or model.raw_input_shape is None:
        raise ValueError("export takes a built model: call it on a batch, or build it with its input shape.")
    if model.compiled and not returns_logits(model.loss):
        raise ValueError(
            f"{what} is made of a network that returns the logits of two or more classes, trained with a categorical "
            f"cross-entropy of from_logits=True; received loss={model.loss!r}."
        )


def export(model, path, *, card=None, splits=None):
    """Writes a classifier as a SavedModel with its card.

    The SavedModel takes raw inputs in float32 (pixels 0 to 255, or raw signals) and has the signatures `serve`
    (also `serving_default`), giving probabilities, and `logits`. The errors on the card are measured with the written
    SavedModel. It appears whole: under a temporary name first, then renamed, in place of an earlier one.

    Args:
        model: built `RegularizedModel` whose network returns logits.
        path: folder of the SavedModel; its last part is the model's name.
        card: mapping of what else the card should say.
        splits: mapping from a split's name to its raw inputs and labels, `{"test": (x, y)}`.

    Returns:
        The card.

    Raises:
        ValueError: Keras does not run on TensorFlow, the model is not built, or its loss takes no logits of classes.
        TypeError: the model is no `RegularizedModel`.
    """
    check_exportable(model)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        _write_saved_model(model, model.raw_input_shape, temporary)
        loaded = import_tensorflow("Measuring a SavedModel").saved_model.load(str(temporary))
        card = {
            "name": path.name,
            **(card or {}),
            "errors": {split: error_percent(loaded.serve, x, y) for split, (x, y) in (splits or {}).items()},
            "num_parameters": int(sum(np.prod(weight.shape) for weight in model.network.trainable_weights)),
            "input_shape": list(model.raw_input_shape),
            "exported": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "model": keras.saving.serialize_keras_object(model),
        }
        card = write_card(temporary, card)
    return card
