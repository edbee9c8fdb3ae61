"""Conversion of classifiers to ONNX and LiteRT files, which run without TensorFlow, Keras and the zoo."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.files import atomic
from zoo.optional import require
from zoo.pretrained.exporting import check_exportable, normalization_layers
from zoo.training import RegularizedModel
from zoo.validation import check_choice

Predict = Callable[[np.ndarray], Any]  # from raw inputs to probabilities

SUFFIXES = {"litert": ".tflite", "onnx": ".onnx"}
PACKAGES = {"litert": ("ai_edge_litert",), "onnx": ("tf2onnx", "onnxruntime")}
EXTRA = "interchange"
TOLERANCE = 1e-4  # of a probability. Sums in float32 in another order differ by less.


def open_litert(path: str | os.PathLike) -> Predict:
    """Opens a LiteRT file.

    Args:
        path: the file.

    Returns:
        A function from raw inputs `(n, ...)` in float32 to probabilities `(n, num_classes)`.

    Raises:
        ImportError: the runtime is not installed.

    Example:
        >>> from zoo.pretrained.conversion import open_litert
        >>> probabilities = open_litert("digits.tflite")(images)  # doctest: +SKIP
    """
    litert: Any = require("ai_edge_litert.interpreter", "Reading a LiteRT file", EXTRA)
    run = litert.Interpreter(str(path)).get_signature_runner()
    return lambda inputs: next(iter(run(inputs=inputs).values()))


def open_onnx(path: str | os.PathLike) -> Predict:
    """Opens an ONNX file.

    Args:
        path: the file.

    Returns:
        A function from raw inputs `(n, ...)` in float32 to probabilities `(n, num_classes)`.

    Raises:
        ImportError: the runtime is not installed.

    Example:
        >>> from zoo.pretrained.conversion import open_onnx
        >>> probabilities = open_onnx("digits.onnx")(images)  # doctest: +SKIP
    """
    onnxruntime: Any = require("onnxruntime", "Reading an ONNX file", EXTRA)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, {"inputs": inputs})[0]


RUNTIMES = {"litert": open_litert, "onnx": open_onnx}


def check_format(name: str) -> str:
    """Returns the name of a file format if it is known and its packages are installed.

    Args:
        name: `"onnx"` or `"litert"`.

    Raises:
        ImportError: a package of the format is not installed.
        ValueError: the format is unknown.

    Example:
        >>> from zoo.pretrained.conversion import check_format
        >>> check_format("onxx")
        Traceback (most recent call last):
        ValueError: Unknown format 'onxx'. Did you mean 'onnx'? Allowed: 'litert', 'onnx'.
    """
    check_choice("format", name, SUFFIXES)
    for package in PACKAGES[name]:
        require(package, f"The format {name!r}", EXTRA)
    return name


def random_inputs(input_shape: tuple[int, ...], num_examples: int = 16, seed: int = 0) -> np.ndarray:
    """Draws raw inputs on which to compare two programs: integer pixels from 0 to 255, or standard normal signals.

    Args:
        input_shape: shape of one example. Examples with more than one axis are images. An axis of any length (None) is
            drawn with length 32.
        num_examples: number of examples, n.
        seed: integer, at least 0. The same seed gives the same inputs.

    Returns:
        Inputs `(n, *input_shape)` in float32.

    Example:
        >>> from zoo.pretrained.conversion import random_inputs
        >>> random_inputs((28, 28, 1), num_examples=2).shape
        (2, 28, 28, 1)
    """
    rng, shape = np.random.default_rng(seed), (num_examples, *(32 if each is None else each for each in input_shape))
    return (rng.normal(size=shape) if len(input_shape) == 1 else rng.integers(0, 256, shape)).astype("float32")


@contextlib.contextmanager
def _normalizing_by_constants(model: RegularizedModel) -> Iterator[None]:
    """Makes the statistics of `keras.layers.Normalization` constants of the graph that the block traces.

    They are tensors but not variables, and tf2onnx would take them for inputs.
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


def convert(
    model: RegularizedModel, path: str | os.PathLike, file_format: str, *, reference: Predict | None = None
) -> float:
    """Writes a classifier as an ONNX or a LiteRT file, with Keras's `export`.

    The file computes what the signature `serve` of a SavedModel computes. It takes raw inputs in float32, `(n, ...)`
    with any n, named `inputs`, preprocesses them, and returns class probabilities. Before the file gets its name,
    `convert` runs it on random raw inputs and compares it with the reference.

    Args:
        model: built `RegularizedModel` whose network returns logits, on the TensorFlow backend.
        path: the file, ending in `.onnx` or `.tflite`. An existing file is replaced.
        file_format: `"onnx"` or `"litert"`.
        reference: function from raw inputs to the expected probabilities. By default, those of `model`.

    Returns:
        The largest difference between a probability and its reference, 0 to 1.

    Raises:
        ImportError: a package of the format is not installed.
        TypeError: `model` is not a `RegularizedModel`.
        ValueError: the format is unknown, the suffix does not match it, the model or the backend is unsuitable, or the
            difference exceeds 1e-4. No file is written.

    Example:
        >>> import zoo
        >>> model = zoo.load("mnist_mlp-vat")  # doctest: +SKIP
        >>> difference = zoo.pretrained.convert(model, "digits.onnx", "onnx")  # doctest: +SKIP
    """
    check_exportable(model, f"A file in the format {check_format(file_format)!r}")
    path = pathlib.Path(path)
    if path.suffix != SUFFIXES[file_format]:
        raise ValueError(
            f"The name of a file in the format {file_format!r} ends in {SUFFIXES[file_format]}, received {path.name!r}."
        )
    input_shape: Any = model.raw_input_shape
    inputs = keras.Input(input_shape, name="inputs")
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(model(inputs, training=False))
    serving = keras.Model(inputs, probabilities)
    x = random_inputs(input_shape)
    expected = ops.convert_to_numpy((reference or serving)(x))
    with tempfile.TemporaryDirectory() as folder:
        written = pathlib.Path(folder) / path.name  # Keras requires the suffix
        with _normalizing_by_constants(model):
            serving.export(str(written), format=file_format, input_signature=serving.inputs, verbose=False)
        difference = float(np.max(np.abs(RUNTIMES[file_format](written)(x) - expected)))
        if not difference <= TOLERANCE:
            raise ValueError(f"The {file_format} file differs from the model by {difference:.1e}, so it was not kept.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            shutil.copyfile(written, temporary)
    return difference
