"""The floating-point type in which a network computes."""

from typing import Any

import keras

from zoo.backend.keras_internals import flatten_layers


def inner_layers(model: Any) -> list[keras.Layer]:
    """All layers of a model, at any depth.

    Args:
        model: `RegularizedModel` or `LadderNetwork`.

    Example:
        >>> from zoo.training.precision import inner_layers
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=()))
        >>> [layer.name for layer in inner_layers(model)][-1]
        'logits'
    """
    parts = [part for part in (model.preprocessing, model.network) if part is not None]
    return [layer for part in parts for layer in flatten_layers(part)]


def computes_in(model: Any, dtype: str) -> bool:
    """Whether a layer of a model computes in a type.

    Args:
        model: `RegularizedModel` or `LadderNetwork`.
        dtype: name of the type, such as `"float16"`.

    Example:
        >>> from zoo.training.precision import computes_in
        >>> computes_in(zoo.RegularizedModel(zoo.networks.mlp((4,), 3)), "float16")
        False
    """
    return any(layer.compute_dtype == dtype for layer in inner_layers(model))


def compute_in_single_precision(model: Any) -> None:
    """Makes layers of mixed precision compute in float32 from now on. Their weights are in float32 already.

    A mixed policy speeds up training. The trained network is measured, exported and used without it.

    Args:
        model: built `RegularizedModel` or `LadderNetwork`. Its compiled functions are compiled again.

    Example:
        >>> from zoo.training.precision import compute_in_single_precision, computes_in
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, dtype="mixed_bfloat16")])
        >>> model = zoo.RegularizedModel(network)
        >>> compute_in_single_precision(model)
        >>> computes_in(model, "bfloat16")
        False
    """
    mixed = [layer for layer in inner_layers(model) if layer.dtype_policy.name.startswith("mixed_")]
    for layer in mixed:
        layer.dtype_policy = keras.DTypePolicy("float32")
    if mixed:
        model.train_function = model.test_function = model.predict_function = None
