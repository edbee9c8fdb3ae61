"""The inputs of a network: how batches hold them, and how the network takes them."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zoo.backend.keras_internals import inputs_structure, operation_of

Tensor = Any  # a tensor of the backend
PAIRED = (
    'Labeled and unlabeled inputs come as ({"labeled": x, "unlabeled": u}, y). Add to a zipped tf.data set '
    '.map(lambda xy, u: ({"labeled": xy[0], "unlabeled": u}, xy[1])), or '
    '.map(lambda xu, y: ({"labeled": xu[0], "unlabeled": xu[1]}, y)).'
)


def split_inputs(x: Any) -> tuple[Any, Any]:
    """Splits the inputs of a batch.

    Args:
        x: inputs, or `{"labeled": ..., "unlabeled": ...}`.

    Returns:
        The labeled and the unlabeled inputs; the latter are None if there are none.

    Example:
        >>> from zoo.training.inputs import split_inputs
        >>> split_inputs({"labeled": 1, "unlabeled": 2})
        (1, 2)
    """
    if isinstance(x, dict) and set(x) == {"labeled", "unlabeled"}:
        return x["labeled"], x["unlabeled"]
    return x, None


def declared_inputs(network: Any) -> dict[str, keras.KerasTensor]:
    """The inputs that a network declares by `keras.Input`, by the names of these layers; empty if it declares none.

    Unlike the names of the tensors, they survive saving and loading.

    Args:
        network: any Keras network.

    Example:
        >>> from zoo.training.inputs import declared_inputs
        >>> list(declared_inputs(keras.Sequential([keras.Input((4,), name="image"), keras.layers.Dense(3)])))
        ['image']
    """
    return {operation_of(tensor).name: tensor for tensor in getattr(network, "inputs", None) or ()}


def named_inputs(network: Any, inputs: Any) -> dict[str, Tensor]:
    """The inputs of a batch by their names: keys of a dictionary, declared names, or else positions in a list.

    Args:
        network: any Keras network.
        inputs: one tensor, or a dictionary, list or tuple of tensors.

    Returns:
        The tensors in the order of `keras.tree.flatten`.

    Example:
        >>> from zoo.training.inputs import named_inputs
        >>> named_inputs(keras.layers.Concatenate(), [1.0, 2.0])
        {'0': 1.0, '1': 2.0}
    """
    pairs = keras.tree.flatten_with_path(inputs)
    declared = list(declared_inputs(network))
    if not isinstance(inputs, Mapping) and len(declared) == len(pairs):
        return {name: tensor for name, (_, tensor) in zip(declared, pairs, strict=True)}
    return {"/".join(map(str, path)): tensor for path, tensor in pairs}


def unwrap(network: Any, x: Any, *, preprocessed: bool = False) -> Any:
    """Takes the one input of a network out of a dictionary, list or tuple. Other inputs do not change.

    Args:
        network: any Keras network.
        x: inputs, as `fit` takes them.
        preprocessed: whether a preprocessing still makes one input of several.

    Raises:
        ValueError: the network declares one input and receives several.

    Example:
        >>> from zoo.training.inputs import unwrap
        >>> unwrap(keras.Sequential([keras.Input((4,), name="image"), keras.layers.Dense(3)]), {"image": 7})
        7
    """
    declared = list(declared_inputs(network))
    if len(declared) != 1 or not isinstance(x, (Mapping, list, tuple)):
        return x
    if len(x) == 1:
        return next(iter(x.values())) if isinstance(x, Mapping) else x[0]
    if isinstance(x, Mapping) and declared[0] in x and not preprocessed:
        return x[declared[0]]
    if preprocessed:
        return x
    raise ValueError(
        f"The network has one input, {declared[0]!r}: pass one array, not a {type(x).__name__} of {len(x)}. {PAIRED}"
    )


def packed(network: Any, inputs: Any) -> Any:
    """Puts the one input of a network into the dictionary or list that the network declares.

    Args:
        network: any Keras network.
        inputs: one tensor, or a dictionary, list or tuple of tensors.

    Example:
        >>> from zoo.training.inputs import packed
        >>> age = keras.Input((4,), name="age")
        >>> packed(keras.Model({"age": age}, age), 7)
        {'age': 7}
    """
    structure = inputs_structure(network)
    several = keras.tree.is_nested(inputs) or not keras.tree.is_nested(structure)
    return inputs if several else keras.tree.pack_sequence_as(structure, [inputs])


def fit_rank(tensor: Tensor, declared: keras.KerasTensor | None) -> Tensor:
    """Adds or removes a last axis of length 1, as Keras does where the declared shape asks for it.

    Args:
        tensor: `(n, ...)`.
        declared: the network's own input, or None.

    Example:
        >>> from zoo.training.inputs import fit_rank
        >>> fit_rank(keras.ops.zeros((2, 28, 28)), keras.Input((28, 28, 1))).shape.as_list()
        [2, 28, 28, 1]
    """
    if declared is None:
        return tensor
    missing = len(declared.shape) - len(tensor.shape)
    if missing == 1 and declared.shape[-1] == 1:
        return ops.expand_dims(tensor, -1)
    return ops.squeeze(tensor, -1) if missing == -1 and tensor.shape[-1] == 1 else tensor


def is_text(tensor: Any) -> bool:
    """Whether a tensor or array holds strings.

    Args:
        tensor: tensor or array.

    Example:
        >>> from zoo.training.inputs import is_text
        >>> is_text(np.array(["a"])), is_text(np.zeros(1))
        (True, False)
    """
    dtype = getattr(tensor, "dtype", None)
    return getattr(dtype, "kind", None) in ("O", "S", "U") or getattr(dtype, "name", dtype) == "string"


def as_network_inputs(network: Any, inputs: Any, *, keep_integers: bool = False, keep_double: bool = False) -> Any:
    """The inputs in the shapes and types with which the network computes.

    Integers have no derivatives, and half precision cannot represent small perturbations. Numbers therefore become
    `floatx`, or float64 in a network of that type. Three kinds stay as they are: strings, inputs that the network
    declares as integers, and integers among several inputs that it does not declare.

    Args:
        network: any Keras network, or any function: it computes in float64 if one of its inputs has that type.
        inputs: one tensor, or a dictionary, list or tuple of tensors.
        keep_integers: whether all integers stay, because penalties do not move the inputs.
        keep_double: whether the one input stays in float64, which the network then casts itself.

    Returns:
        The same structure.

    Example:
        >>> from zoo.training.inputs import as_network_inputs
        >>> pixels = as_network_inputs(zoo.networks.mlp((2,), 3), np.ones((1, 2), "uint8"))
        >>> keras.backend.standardize_dtype(pixels.dtype)
        'float32'
    """
    types = [getattr(network, "compute_dtype", None)]
    if types == [None]:
        types = [getattr(each.dtype, "name", each.dtype) for each in keras.tree.flatten(inputs)]
    dtype, declared = "float64" if "float64" in types else keras.config.floatx(), declared_inputs(network)
    several = keras.tree.is_nested(inputs)
    if (
        keep_double
        and not several
        and not is_text(inputs)
        and keras.backend.standardize_dtype(inputs.dtype) == "float64"
    ):
        dtype = "float64"

    def adapt(name, tensor):
        own = declared.get(name)
        if is_text(tensor):
            return fit_rank(tensor, own)
        whole = keras.backend.is_int_dtype(tensor.dtype) or keras.backend.standardize_dtype(tensor.dtype) == "bool"
        stays = own is not None and keras.backend.is_int_dtype(own.dtype)
        if whole and (keep_integers or stays or (several and own is None)):
            return fit_rank(tensor, own)
        return ops.stop_gradient(ops.cast(fit_rank(tensor, own), dtype))

    adapted = [adapt(name, tensor) for name, tensor in named_inputs(network, inputs).items()]
    return keras.tree.pack_sequence_as(inputs, adapted)


def input_shapes(network: Any, shape: Any) -> Any:
    """The shapes of raw inputs, without a fixed length where the network accepts any.

    Args:
        network: any Keras network.
        shape: `(n, ...)`, or a dictionary, list or tuple of shapes.

    Example:
        >>> from zoo.training.inputs import input_shapes
        >>> input_shapes(keras.Sequential([keras.Input((None, 3)), keras.layers.GlobalMaxPooling1D()]), (8, 5, 3))
        (None, None, 3)
    """
    if isinstance(shape, Mapping) or any(isinstance(each, (list, tuple)) for each in shape):
        shape = unwrap(network, shape, preprocessed=True)
    shape = keras.tree.map_shape_structure(lambda each: (None, *each[1:]), shape)
    declared = list(declared_inputs(network).values())
    if len(declared) != 1 or isinstance(shape, Mapping) or len(declared[0].shape) != len(shape):
        return shape
    return tuple(each if own is not None else None for each, own in zip(shape, declared[0].shape, strict=True))


def symbolic_inputs(layer: Any, shape: Any) -> Any:
    """Symbolic inputs of these shapes, of the types that a layer declares.

    Args:
        layer: the layer that takes them.
        shape: `(None, ...)`, or a dictionary, list or tuple of shapes.

    Example:
        >>> from zoo.training.inputs import symbolic_inputs
        >>> symbolic_inputs(keras.layers.Flatten(), {"image": (None, 4)})["image"].shape
        (None, 4)
    """
    tensors = keras.tree.map_shape_structure(keras.KerasTensor, shape)
    declared = declared_inputs(layer)
    typed = [
        keras.KerasTensor(tensor.shape, getattr(declared.get(name), "dtype", tensor.dtype))
        for name, tensor in named_inputs(layer, tensors).items()
    ]
    return keras.tree.pack_sequence_as(tensors, typed)
