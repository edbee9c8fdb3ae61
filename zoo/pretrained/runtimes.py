"""The runtimes of ONNX and LiteRT files."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.optional import require

EXTRA = "interchange"
Predict = Callable[[np.ndarray], Any]  # from raw inputs to probabilities


def open_litert(path: str | os.PathLike) -> Predict:
    """Opens a LiteRT file.

    Args:
        path: the file.

    Returns:
        A function from raw inputs `(n, ...)` in float32 to probabilities `(n, num_classes)`.

    Raises:
        ImportError: the runtime is not installed.

    Example:
        >>> from zoo.pretrained.runtimes import open_litert
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
        >>> from zoo.pretrained.runtimes import open_onnx
        >>> probabilities = open_onnx("digits.onnx")(images)  # doctest: +SKIP
    """
    onnxruntime: Any = require("onnxruntime", "Reading an ONNX file", EXTRA)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, {"inputs": inputs})[0]


RUNTIMES = {"litert": open_litert, "onnx": open_onnx}


def in_batches(predict: Predict, batch_size: int | None) -> Predict:
    """Returns a function of any number of examples, for a file that takes exactly `batch_size` of them at a time.

    Args:
        predict: from raw inputs `(batch_size, ...)` to probabilities.
        batch_size: at least 1. None: the file takes any number, and `predict` is returned as it is.

    Example:
        >>> import numpy as np
        >>> from zoo.pretrained.runtimes import in_batches
        >>> in_batches(lambda pair: pair + len(pair), 2)(np.array([[1.0], [2.0], [3.0]])).ravel()
        array([3., 4., 5.])
    """
    if batch_size is None:
        return predict

    def run(x):
        filled = np.concatenate([x, np.repeat(x[-1:], -len(x) % batch_size, axis=0)])
        batches = [np.asarray(predict(filled[i : i + batch_size])) for i in range(0, len(filled), batch_size)]
        return np.concatenate(batches)[: len(x)]

    return run
