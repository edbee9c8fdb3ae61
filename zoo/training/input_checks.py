"""Checks of the networks that a model wraps, and of the structure of its inputs."""

from typing import Any

import keras

from zoo.backend.keras_internals import flatten_layers
from zoo.datasets import Batches, SemiSupervised
from zoo.training.inputs import declared_inputs, is_text, named_inputs, split_inputs, unwrap

LABEL_MIXING = (keras.layers.CutMix, keras.layers.MixUp)


def check_wrapped(network: keras.Layer, preprocessing: keras.Layer | None, wrapper: type) -> None:
    """Refuses networks and preprocessing that a model would train incorrectly.

    Args:
        network: the network.
        preprocessing: Keras layer or None.
        wrapper: the class of the model.

    Raises:
        ValueError: the network has an objective of its own, which would not count; or a layer mixes examples, but not
            their labels.

    Example:
        >>> from zoo.training.input_checks import check_wrapped
        >>> check_wrapped(zoo.networks.mlp((4,), 3), None, zoo.RegularizedModel)
    """
    layers = [inner for each in (network, preprocessing) if each is not None for inner in flatten_layers(each)]
    for layer in flatten_layers(network):
        if isinstance(layer, wrapper):
            raise ValueError(
                f"The network is or holds the {type(layer).__name__} {layer.name!r}, whose penalties would not count. "
                "Pass its network, model.network, and add the regularizers: model.regularizer + another."
            )
    for layer in layers:
        if isinstance(layer, LABEL_MIXING):
            raise ValueError(
                f"{type(layer).__name__} mixes the inputs of different examples but receives no labels here. Apply it "
                'to batches {"images": x, "labels": y} with one-hot labels, by tf.data\'s map, before fit.'
            )


def check_structure(model: Any, x: Any) -> None:
    """Refuses data whose inputs the network cannot take, before training starts.

    Args:
        model: `ObjectiveModel`.
        x: the inputs, as `fit` takes them.

    Raises:
        ValueError: the network has one input and receives several, labeled and unlabeled inputs are paired in another
            way than the model reads, or inputs are sparse.

    Example:
        >>> from zoo.training.input_checks import check_structure
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((2,), 3))
        >>> check_structure(model, {"labeled": np.zeros((1, 2)), "unlabeled": np.zeros((3, 2))})
    """
    if isinstance(x, (Batches, SemiSupervised)):
        x = x.x
    spec = getattr(x, "element_spec", None)
    if spec is not None:
        x = spec[0] if isinstance(spec, tuple) else spec
    for inputs in split_inputs(x):
        leaves = keras.tree.flatten(inputs)
        if any(hasattr(leaf, "tocoo") or type(leaf).__name__.startswith("SparseTensor") for leaf in leaves):
            raise ValueError(
                "Penalties need dense inputs, received sparse ones. Pass `x.toarray()`, or a tf.data set with "
                "`.map(lambda x, y: (tf.sparse.to_dense(x), y))`."
            )
        unwrap(model.network, inputs, preprocessed=model.preprocessing is not None)


def check_strings(model: Any, x: Any) -> None:
    """Refuses arrays of strings that Keras does not read.

    Args:
        model: `ObjectiveModel`.
        x: the inputs, as `fit` takes them.

    Raises:
        ValueError: an input of the network that holds strings is not a string tensor of TensorFlow.

    Example:
        >>> from zoo.training.input_checks import check_strings
        >>> check_strings(zoo.RegularizedModel(zoo.networks.mlp((2,), 3)), np.zeros((1, 2)))
    """
    on_jax = keras.backend.backend() == "jax"
    if isinstance(x, (Batches, SemiSupervised)):
        x = x.x if on_jax else None  # on TensorFlow they make tensors of their arrays
    for name, values in named_inputs(model.network, x).items():
        if takes_strings(model, name) and is_text(values) and not keras.ops.is_tensor(values):
            remedy = (
                "JAX has no strings: turn them into integers before, for instance with a StringLookup or "
                "TextVectorization outside the network."
                if on_jax
                else "Pass tf.constant(...) of it, or a tf.data set."
            )
            raise ValueError(f"Keras reads no arrays of strings, received one as the input {name!r}. {remedy}")


def takes_strings(model: Any, name: str) -> bool:
    """Whether an input of a model may hold strings, as far as the model declares its inputs.

    Args:
        model: `ObjectiveModel`.
        name: name of the input, see `named_inputs`.

    Example:
        >>> from zoo.training.input_checks import takes_strings
        >>> takes_strings(zoo.RegularizedModel(zoo.networks.mlp((4,), 3)), "inputs")
        False
    """
    declared = declared_inputs(model.network)
    return model.preprocessing is not None or not declared or (name in declared and declared[name].dtype == "string")
