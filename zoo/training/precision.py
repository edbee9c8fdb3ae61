"""The floating-point type in which a network computes."""

import keras

from zoo.backend.keras_internals import flatten_layers


def inner_layers(model):
    """All layers of a `RegularizedModel` or `LadderNetwork`, at any depth."""
    parts = [part for part in (model.preprocessing, model.network) if part is not None]
    return [layer for part in parts for layer in flatten_layers(part)]


def computes_in(model, dtype):
    """Whether some layer of a model computes in a type, such as `"float16"`."""
    return any(layer.compute_dtype == dtype for layer in inner_layers(model))


def compute_in_single_precision(model):
    """Lets layers of mixed precision compute in float32 from now on. Their weights are in float32 as they are.

    A mixed policy speeds training up. The trained network is measured, exported and used without it.

    Args:
        model: built `RegularizedModel` or `LadderNetwork`. What it has compiled is compiled again.
    """
    mixed = [layer for layer in inner_layers(model) if layer.dtype_policy.name.startswith("mixed_")]
    for layer in mixed:
        layer.dtype_policy = keras.DTypePolicy("float32")
    if mixed:
        model.train_function = model.test_function = model.predict_function = None
