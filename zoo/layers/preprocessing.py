"""Preprocessing pipelines made from data and fitted to the training inputs."""

import keras

from zoo.layers.contrast_normalization import PerImageContrastNormalization
from zoo.layers.zca_whitening import ZCAWhitening
from zoo.validation import check_choice, check_options

PREPROCESSING = {
    "rescaling": keras.layers.Rescaling,
    "normalization": keras.layers.Normalization,
    "contrast_normalization": PerImageContrastNormalization,
    "zca_whitening": ZCAWhitening,
    "random_translation": keras.layers.RandomTranslation,
    "random_flip": keras.layers.RandomFlip,
}
"""The layers of which preprocessing is made, by their names in recipes."""


def build_step(step):
    """The layer that a step describes."""
    if not isinstance(step, dict):
        raise TypeError(f'A preprocessing step is {{"name": ..., **options}}, received {step!r}.')
    options = dict(step)
    name = check_choice("preprocessing step", options.pop("name", None), PREPROCESSING)
    check_options(name, options, PREPROCESSING[name])
    return PREPROCESSING[name](**options)


def build_preprocessing(steps, x):
    """Makes a preprocessing pipeline; layers that learn from data are fitted to `x` as the earlier steps leave it.

    Args:
        steps: list of `{"name": ..., **options}`, in order; names are those of `PREPROCESSING`.
        x: raw training inputs, `(n, ...)`.

    Returns:
        A built `keras.Sequential`, or None for no steps.

    Raises:
        TypeError, ValueError: a step that is no dictionary, an unknown step or option, with the nearest name, or one
            that lacks an option.
    """
    if not steps:
        return None
    layers = []
    for step in steps:
        layer = build_step(step)
        if hasattr(layer, "adapt") and getattr(layer, "input_mean", None) is None:  # else its statistics are given
            layer.adapt(keras.Sequential(layers).predict(x, batch_size=1000, verbose=0) if layers else x)
        layers.append(layer)
    return keras.Sequential([keras.Input(x.shape[1:]), *layers], name="preprocessing")
