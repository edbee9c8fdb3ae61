"""Deserialization of untrusted models, without running code or opening files that a card names."""

from typing import Any

import keras

from zoo.backend.keras_internals import safe_mode
from zoo.training import RegularizedModel

KINDS = ("initializers", "layers", "losses", "metrics", "optimizers", "regularizers", "constraints", "activations")
MODULES = {"keras", "builtins", "keras.optimizers.schedules", "keras.src.models.functional", "keras.dtype_policies"}
MODULES |= {f"keras.{kind}" for kind in KINDS}
# These run code that the card contains, or read a file that it names.
UNSAFE = {"__lambda__", "__typespec__", "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
UNSAFE |= {"TextVectorization", "StringLookup", "IntegerLookup"}


def read_model(config: dict[str, Any]) -> RegularizedModel:
    """Deserializes the model that a card describes.

    Args:
        config: Keras's serialized form of the model, as read from JSON.

    Returns:
        The model, not built.

    Raises:
        ValueError: `config` describes something other than a `RegularizedModel`, or contains an object that
            `check_config` refuses.

    Example:
        >>> import keras
        >>> import zoo
        >>> from zoo.pretrained.safe_deserialization import read_model
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[8]))
        >>> read_model(keras.saving.serialize_keras_object(model)).network.output_shape
        (None, 3)
    """
    check_config(config)
    with safe_mode():
        model: Any = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if not isinstance(model, RegularizedModel):
        raise ValueError(f"It holds a {type(model).__name__}, not a RegularizedModel.")
    return model


def check_config(config: Any) -> None:
    """Checks that a serialized object contains only allowed classes, at any depth.

    Allowed are Keras's building blocks of a network, the zoo's, and the classes that this process has registered.

    Args:
        config: Keras's serialized form, as read from JSON.

    Raises:
        ValueError: a class is not allowed. The message names the first one.

    Example:
        >>> from zoo.pretrained.safe_deserialization import check_config
        >>> check_config({"module": "os", "class_name": "system", "config": {"command": "true"}})
        Traceback (most recent call last):
        ValueError: It holds os.system, which is not part of a network, or may run code or read files.
    """
    if isinstance(config, list):
        for value in config:
            check_config(value)
    if not isinstance(config, dict):
        return
    name, module = config.get("class_name"), config.get("module")
    sought = config.get("config" if name == "function" else "registered_name")  # where Keras looks first
    registered = isinstance(sought, str) and keras.saving.get_registered_object(sought)
    known = module is None or module in MODULES or registered
    names = [name, sought] if name == "function" else [name]
    # Keras would find a name with a dot in another module.
    allowed = all(isinstance(each, str) and each not in UNSAFE and "." not in each for each in names)
    if name is not None and not (known and allowed):
        raise ValueError(f"It holds {module}.{name}, which is not part of a network, or may run code or read files.")
    for value in config.values():
        check_config(value)
