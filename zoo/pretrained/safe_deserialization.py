"""Models described by strangers: read without running their code or opening a file that they name."""

import keras

from zoo.training import RegularizedModel

KINDS = ("initializers", "layers", "losses", "metrics", "optimizers", "regularizers", "constraints", "activations")
MODULES = {"keras", "builtins", "keras.optimizers.schedules", "keras.src.models.functional", "keras.dtype_policies"}
MODULES |= {f"keras.{kind}" for kind in KINDS}
# Layers that run code of the description, or read a file that it names.
UNSAFE = {"__lambda__", "__typespec__", "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
UNSAFE |= {"TextVectorization", "StringLookup", "IntegerLookup"}


def read_model(config):
    """The model that a card describes.

    Args:
        config: Keras's description of it, as JSON gives it.

    Raises:
        ValueError: it describes more than a network, or something else than a `RegularizedModel`.
    """
    check_config(config)
    model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if not isinstance(model, RegularizedModel):
        raise ValueError(f"It holds a {type(model).__name__}, no RegularizedModel.")
    return model


def check_config(config):
    """Refuses all, at any depth, but Keras's parts of a network, the zoo's, and what this process has registered.

    Raises:
        ValueError: with the name of the first that is refused.
    """
    if isinstance(config, list):
        for value in config:
            check_config(value)
    if not isinstance(config, dict):
        return
    name, module = config.get("class_name"), config.get("module")
    registered = isinstance(config.get("registered_name"), str) and keras.saving.get_registered_object(
        config["registered_name"]
    )
    known = module is None or module in MODULES or registered
    if name is not None and (not isinstance(name, str) or name in UNSAFE or not known):
        raise ValueError(f"It holds {module}.{name}, which is no part of a network, or may run code or read files.")
    for value in config.values():
        check_config(value)
