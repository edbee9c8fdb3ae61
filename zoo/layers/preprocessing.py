"""Preprocessing pipelines, made from a recipe's data and fitted to the training inputs."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from zoo.layers.contrast_normalization import PerImageContrastNormalization
from zoo.layers.sparse_code import SparseCode
from zoo.layers.zca_whitening import ZCAWhitening
from zoo.validation import check_choice, check_options

PREPROCESSING: dict[str, type[keras.layers.Layer]] = {
    "rescaling": keras.layers.Rescaling,
    "normalization": keras.layers.Normalization,
    "contrast_normalization": PerImageContrastNormalization,
    "zca_whitening": ZCAWhitening,
    "sparse_code": SparseCode,
    "gaussian_noise": keras.layers.GaussianNoise,
    "random_translation": keras.layers.RandomTranslation,
    "random_rotation": keras.layers.RandomRotation,
    "random_zoom": keras.layers.RandomZoom,
    "random_flip": keras.layers.RandomFlip,
}
"""The preprocessing layers by their names in recipes."""


def _build_step(step: Any) -> keras.layers.Layer:
    if not isinstance(step, dict):
        raise TypeError(f'A preprocessing step must be {{"name": ..., **options}}, received {step!r}.')
    options = dict(step)
    name = check_choice("preprocessing step", options.pop("name", None), PREPROCESSING)
    check_options(name, options, PREPROCESSING[name])
    return PREPROCESSING[name](**options)


def build_preprocessing(steps: Sequence[dict[str, Any]], x: np.ndarray) -> keras.Sequential | None:
    """Makes a preprocessing pipeline and fits its layers to the training inputs.

    Each layer that learns from data is fitted to `x` as preprocessed by the earlier steps.

    Args:
        steps: list of `{"name": ..., **options}`, in order. The names are those of `PREPROCESSING`, the options the
            arguments of the layer.
        x: raw training inputs, `(n, ...)`.

    Returns:
        A built `keras.Sequential`, or None if there are no steps.

    Raises:
        TypeError: a step is not a dictionary, or an option has the wrong type.
        ValueError: a step or an option is unknown, or an option is missing.

    Example:
        >>> import numpy as np
        >>> from zoo.layers import build_preprocessing
        >>> x = np.array([[0, 51], [102, 255]], "uint8")
        >>> preprocessing = build_preprocessing([{"name": "rescaling", "scale": 1 / 255}], x)
        >>> np.asarray(preprocessing(x)).round(1)
        array([[0. , 0.2],
               [0.4, 1. ]], dtype=float32)
    """
    if not steps:
        return None
    layers: list[keras.layers.Layer] = []
    for step in steps:
        layer: Any = _build_step(step)
        if hasattr(layer, "adapt") and getattr(layer, "input_mean", None) is None:  # otherwise its statistics are given
            earlier: Any = keras.Sequential(layers)
            layer.adapt(earlier.predict(x, batch_size=1000, verbose=0) if layers else x)
        layers.append(layer)
    return keras.Sequential([keras.Input(x.shape[1:]), *layers], name="preprocessing")
