"""Conversion of classifiers to ONNX and LiteRT files, which run without TensorFlow, Keras and the zoo.

ONNX files come from TensorFlow's graph. A conversion straight from JAX by jax2onnx 0.17.1 is not offered: ONNX Runtime
refuses its files of networks with max pooling.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.files import atomic
from zoo.optional import require
from zoo.pretrained.exportable import check_exportable
from zoo.pretrained.exporting import normalization_layers
from zoo.pretrained.runtimes import EXTRA, RUNTIMES, Predict, in_batches
from zoo.training import RegularizedModel
from zoo.validation import check_choice, check_number

SUFFIXES = {"litert": ".tflite", "onnx": ".onnx"}
PACKAGES = {"litert": ("ai_edge_litert",), "onnx": ("tf2onnx", "onnxruntime")}
TOLERANCE = 1e-4  # of a probability. Sums in float32 in another order differ by less.


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


def check_suffix(path: str | os.PathLike, file_format: str) -> None:
    """Refuses the name of a file that does not end as those of its format.

    Args:
        path: of the file.
        file_format: `"onnx"` or `"litert"`.

    Raises:
        ValueError: the name ends differently.

    Example:
        >>> from zoo.pretrained.conversion import check_suffix
        >>> check_suffix("digits.onnx", "onnx")
    """
    path = pathlib.Path(path)
    if path.suffix != SUFFIXES[file_format]:
        raise ValueError(
            f"The name of a file in the format {file_format!r} ends in {SUFFIXES[file_format]}, received {path.name!r}."
        )


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


def _int8_options(calibration: np.ndarray) -> dict[str, Any]:
    """Options of Keras's export for weights and activations in int8, with inputs and outputs in float32."""
    tf: Any = require("tensorflow", "A LiteRT file")
    return {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": lambda: ({"inputs": x[None].astype("float32")} for x in calibration),
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
    }


def _check_request(
    path: pathlib.Path, file_format: str, input_shape: Any, batch_size: int | None, calibration: np.ndarray | None
) -> None:
    check_suffix(path, file_format)
    if batch_size is not None:
        check_number("batch_size", batch_size, 1, integer=True)
    if calibration is None:
        return
    if file_format != "litert":
        raise ValueError(f"Only 'litert' files can be quantized, received {file_format!r}.")
    if batch_size != 1 or None in input_shape:
        raise ValueError(
            f"A quantized file takes one input of a fixed size at a time: choose batch_size=1, received {batch_size}, "
            f"and a network of a fixed input shape, received {input_shape}."
        )
    if calibration.shape[1:] != tuple(input_shape) or not len(calibration):
        expected = ", ".join(map(str, ("n", *input_shape)))
        raise ValueError(f"Calibration takes inputs of shape ({expected}), received {calibration.shape}.")


def convert(
    model: RegularizedModel,
    path: str | os.PathLike,
    file_format: str,
    *,
    reference: Predict | None = None,
    batch_size: int | None = None,
    calibration: np.ndarray | None = None,
) -> float:
    """Writes a classifier as an ONNX or a LiteRT file, with Keras's `export`.

    The file computes what the signature `serve` of a SavedModel computes. It takes raw inputs in float32, `(n, ...)`
    named `inputs`, preprocesses them, and returns class probabilities. Axes of any size, such as those of
    `Input((None, None, 3))`, stay so. Before the file gets its name, `convert` runs it on random raw inputs and
    compares it with the reference.

    Args:
        model: built `RegularizedModel` whose network returns logits, on the TensorFlow backend.
        path: the file, ending in `.onnx` or `.tflite`. An existing file is replaced.
        file_format: `"onnx"` or `"litert"`.
        reference: function from raw inputs to the expected probabilities. By default, those of `model`.
        batch_size: number of inputs that the file takes at a time, n. None (default): any number.
        calibration: raw training inputs, `(num_examples, ...)`, a few hundred. A LiteRT file then has weights and
            activations in int8, in the ranges that these inputs reach, and needs `batch_size=1`. Its inputs and outputs
            stay in float32. Measure its error afterwards. None: float32.

    Returns:
        The largest difference between a probability and its reference, 0 to 1. Of a quantized file, on the calibration
        inputs.

    Raises:
        ImportError: a package of the format is not installed.
        TypeError: `model` is not a `RegularizedModel`.
        ValueError: the format is unknown, the suffix does not match it, the model, the backend or the calibration is
            unsuitable, the converter fails, or the difference of a file in float32 exceeds 1e-4. No file is written.

    Example:
        >>> import zoo
        >>> model = zoo.load("mnist_mlp-vat")  # doctest: +SKIP
        >>> difference = zoo.pretrained.convert(model, "digits.onnx", "onnx")  # doctest: +SKIP
    """
    check_exportable(model, f"A file in the format {check_format(file_format)!r}")
    path, input_shape = pathlib.Path(path), tuple(model.raw_input_shape or ())
    _check_request(path, file_format, input_shape, batch_size, calibration)
    inputs = keras.Input(input_shape, batch_size=batch_size, name="inputs")
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(model(inputs, training=False))
    serving = keras.Model(inputs, probabilities)
    x = random_inputs(input_shape) if calibration is None else calibration.astype("float32")
    expected = ops.convert_to_numpy((reference or in_batches(serving, batch_size))(x))
    options = {} if calibration is None else _int8_options(calibration)
    with tempfile.TemporaryDirectory() as folder:
        written = pathlib.Path(folder) / path.name  # Keras requires the suffix
        with _normalizing_by_constants(model), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # TensorFlow calibrates with a class that it deprecates
            # Keras would take the batch size of `serving.inputs` for any number.
            signature = [keras.InputSpec(shape=(batch_size, *input_shape), dtype="float32", name="inputs")]
            try:
                serving.export(str(written), format=file_format, input_signature=signature, verbose=False, **options)
            except Exception as error:  # converters raise errors of many types
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise ValueError(f"The network cannot be converted to {file_format}: {reason}") from error
        run = in_batches(RUNTIMES[file_format](written), batch_size)
        difference = float(np.max(np.abs(run(x) - expected)))
        if calibration is None and not difference <= TOLERANCE:
            raise ValueError(f"The {file_format} file differs from the model by {difference:.1e}, so it was not kept.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            shutil.copyfile(written, temporary)
    return difference
