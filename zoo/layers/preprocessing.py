"""Preprocessing pipelines made from data and fitted to the training inputs."""

import inspect

import keras

from zoo.layers.contrast_normalization import PerImageContrastNormalization
from zoo.layers.zca_whitening import ZCAWhitening
from zoo.validation import check_choice

PREPROCESSING = {
    "rescaling": keras.layers.Rescaling,
    "normalization": keras.layers.Normalization,
    "contrast_normalization": PerImageContrastNormalization,
    "zca_whitening": ZCAWhitening,
    "random_translation": keras.layers.RandomTranslation,
    "random_flip": keras.layers.RandomFlip,
}
"""The layers of which preprocessing is made, by their names in recipes."""


def build_preprocessing(steps, x):
    """Makes a preprocessing pipeline; layers that learn from data are fitted to `x` as the earlier steps leave it.

    Args:
        steps: list of `{"name": ..., **options}`, in order; names are those of `PREPROCESSING`.
        x: raw training inputs, `(n, ...)`.

    Returns:
        A built `keras.Sequential`, or None for no steps.

    Raises:
        ValueError: an unknown step or option, with the nearest name.
    """
    if not steps:
        return None
    layers = []
    for step in steps:
        options = dict(step)
        name = check_choice("preprocessing step", options.pop("name", None), PREPROCESSING)
        allowed = inspect.signature(PREPROCESSING[name].__init__).parameters
        for option in options:
            check_choice(f"option of {name}", option, set(allowed) - {"self", "kwargs"})
        layer = PREPROCESSING[name](**options)
        if hasattr(layer, "adapt"):
            layer.adapt(keras.Sequential(layers).predict(x, batch_size=1000, verbose=0) if layers else x)
        layers.append(layer)
    return keras.Sequential([keras.Input(x.shape[1:]), *layers], name="preprocessing")
