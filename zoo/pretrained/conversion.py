"""Interchange: classifiers as ONNX and LiteRT files, which run without TensorFlow, Keras and the zoo."""

import contextlib
import importlib.util
import pathlib
import shutil
import tempfile

import keras
import numpy as np
from keras import ops

from zoo.files import atomic
from zoo.pretrained.exporting import check_exportable, normalization_layers
from zoo.validation import check_choice

SUFFIXES = {"litert": ".tflite", "onnx": ".onnx"}
PACKAGES = {"litert": ("ai_edge_litert",), "onnx": ("tf2onnx", "onnxruntime")}
TOLERANCE = 1e-4  # of a probability; float32 sums in another order differ by less


def open_litert(path):
    """The function that a LiteRT file holds.

    Args:
        path: of the file.

    Returns:
        A function from raw inputs `(n, ...)` in float32 to probabilities `(n, num_classes)`, 0 to 1.
    """
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(str(path)).get_signature_runner()
    return lambda inputs: next(iter(run(inputs=inputs).values()))


def open_onnx(path):
    """The function that an ONNX file holds.

    Args:
        path: of the file.

    Returns:
        A function from raw inputs `(n, ...)` in float32 to probabilities `(n, num_classes)`, 0 to 1.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, {"inputs": inputs})[0]


RUNTIMES = {"litert": open_litert, "onnx": open_onnx}


def check_format(name):
    """Returns the name of a file format that can be written here.

    Args:
        name: should be `"onnx"` or `"litert"`.

    Raises:
        ValueError: an unknown format, with the nearest name.
        ImportError: its packages are not installed.
    """
    check_choice("format", name, SUFFIXES)
    missing = [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]
    if missing:
        raise ImportError(
            f"The format {name!r} needs {' and '.join(missing)}, not installed: "
            "pip install 'regularized-zoo[interchange]'."
        )
    return name


def random_inputs(input_shape, num_examples=16, seed=0):
    """Raw inputs to compare two programs on: whole pixels from 0 to 255, or standard normal signals.

    Args:
        input_shape: of one example; more than one axis makes it an image.
        num_examples: n.
        seed: of the draw, at least 0.

    Returns:
        `(n, *input_shape)` in float32.
    """
    rng, shape = np.random.default_rng(seed), (num_examples, *input_shape)
    return (rng.normal(size=shape) if len(input_shape) == 1 else rng.integers(0, 256, shape)).astype("float32")


@contextlib.contextmanager
def _normalizing_by_constants(model):
    """Inside the `with` block, what a model standardizes by is written into its graph.

    tf2onnx takes the tensors of `keras.layers.Normalization` for inputs, because they are no variables.
    """
    layers = normalization_layers(model)
    before = [(layer.mean, layer.variance) for layer in layers]
    try:
        for layer in layers:
            layer.mean, layer.variance = (ops.convert_to_numpy(value) for value in (layer.mean, layer.variance))
        yield
    finally:
        for layer, (mean, variance) in zip(layers, before, strict=True):
            layer.mean, layer.variance = mean, variance


def convert(model, path, file_format, *, reference=None):
    """Writes a classifier as an ONNX or a LiteRT file, by Keras's own `export`.

    The file does what the signature `serve` of a SavedModel does: it takes raw inputs in float32, named `inputs`,
    `(n, ...)` with any n, does the preprocessing, and gives class probabilities. It is run before it gets its name,
    on random raw inputs.

    Args:
        model: built `RegularizedModel` whose network returns logits, on the TensorFlow backend.
        path: of the file, ending in `.onnx` or `.tflite`; an earlier one is replaced.
        file_format: `"onnx"` or `"litert"`.
        reference: raw inputs -> probabilities that the file has to give; by default those of `model`.

    Returns:
        The largest difference of a probability from the reference's, 0 to 1.

    Raises:
        ValueError: an unknown format, another suffix, an unsuitable model or backend, or a difference above 1e-4: then
            there is no file.
        TypeError: the model is no `RegularizedModel`.
        ImportError: the format's packages are not installed.
    """
    check_exportable(model, f"A file in the format {check_format(file_format)!r}")
    path = pathlib.Path(path)
    if path.suffix != SUFFIXES[file_format]:
        raise ValueError(
            f"A file in the format {file_format!r} ends in {SUFFIXES[file_format]}, received {path.name!r}."
        )
    inputs = keras.Input(model.raw_input_shape, name="inputs")
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(model(inputs, training=False))
    serving = keras.Model(inputs, probabilities)
    x = random_inputs(model.raw_input_shape)
    expected = ops.convert_to_numpy((reference or serving)(x))
    with tempfile.TemporaryDirectory() as folder:
        written = pathlib.Path(folder) / path.name  # Keras wants the suffix
        with _normalizing_by_constants(model):
            serving.export(str(written), format=file_format, input_signature=serving.inputs, verbose=False)
        difference = float(np.max(np.abs(RUNTIMES[file_format](written)(x) - expected)))
        if not difference <= TOLERANCE:
            raise ValueError(f"The {file_format} file differs from the model by {difference:.1e}; it was not kept.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            shutil.copyfile(written, temporary)
    return difference
