"""Checks of what a model perturbs, and of the structure of its inputs."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from zoo.backend.derivatives import depends
from zoo.backend.keras_internals import flatten_layers
from zoo.datasets import Batches, SemiSupervised
from zoo.training.arguments import split_inputs
from zoo.training.inputs import declared_inputs, is_text, named_inputs, takes_strings, unwrap
from zoo.training.perturbed_inputs import WholeInput
from zoo.training.perturbed_layers import find_layer, layer_names

Tensor = Any  # a tensor of the backend

LABEL_MIXING = (keras.layers.CutMix, keras.layers.MixUp)
INDEXING = (
    keras.layers.CategoryEncoding,
    keras.layers.Discretization,
    keras.layers.Embedding,
    keras.layers.HashedCrossing,
    keras.layers.Hashing,
    keras.layers.IntegerLookup,
    keras.layers.Lambda,
)


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


def check_moving(network: keras.Layer, terms: Sequence[Any], perturb: Any) -> None:
    """Refuses penalties that move what has no derivative, as far as the layers show it.

    Args:
        network: any Keras network, built.
        terms: the regularizers.
        perturb: as for `RegularizedModel`.

    Raises:
        ValueError: a penalty moves inputs that are integers or indices, or `perturb` names a layer that does not exist.

    Example:
        >>> from zoo.training.input_checks import check_moving
        >>> check_moving(zoo.networks.mlp((4,), 3), [zoo.VirtualAdversarialTraining(1.0)], None)
    """
    for name in layer_names(perturb):
        find_layer(network, name)
    moving = [type(term).__name__ for term in terms if term.moves_inputs]
    if not moving or perturb is not None:
        return
    types = [tensor.dtype for tensor in declared_inputs(network).values()]
    if types and not any(map(keras.backend.is_float_dtype, types)):
        raise ValueError(
            f"{moving[0]} moves the network's inputs, so they cannot be integers, received a network whose Input has "
            f"dtype={types[0]!r}. Name the layer whose outputs to move, {_embeddings(network)}; remove the dtype; or "
            "pass layers such as Rescaling as preprocessing=."
        )
    layers = [each for each in getattr(network, "layers", ()) if not isinstance(each, keras.layers.InputLayer)]
    if layers and isinstance(layers[0], keras.layers.Embedding) and len(types) < 2:
        raise ValueError(
            f"{moving[0]} moves the network's inputs, so they cannot be indices, received a network that begins with "
            f"the Embedding {layers[0].name!r}. Pass {_embeddings(network)} to move what it returns."
        )


def _embeddings(network):
    """The argument `perturb` that names the embeddings of a network."""
    names = dict.fromkeys(each.name for each in flatten_layers(network) if isinstance(each, keras.layers.Embedding))
    return " or ".join(f"perturb={name!r}" for name in names or ["embedding"])


def cuts(layer: keras.Layer) -> bool:
    """Whether a layer may round its inputs to indices, through which no derivative runs.

    Args:
        layer: any Keras layer.

    Example:
        >>> from zoo.training.input_checks import cuts
        >>> cuts(keras.layers.Embedding(5, 2)), cuts(keras.layers.Dense(3))
        (True, False)
    """
    return isinstance(layer, INDEXING) or type(layer).__module__.partition(".")[0] not in ("keras", "zoo")


def check_reached(network: keras.Layer, perturbed: WholeInput, logits_of: Callable[..., Tensor]) -> None:
    """Refuses penalties that would be 0, because no derivative runs from what they move to the logits.

    Args:
        network: any Keras network, built.
        perturbed: the tensor that penalties move.
        logits_of: its parts to the logits.

    Raises:
        ValueError: nothing moves, or the logits have no derivative in a part of it.

    Example:
        >>> from zoo.training.input_checks import check_reached
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> check_reached(keras.layers.Dense(2), WholeInput(keras.ops.ones((1, 2))), lambda x: 2 * x)
    """
    remedy = f"Name the layer whose outputs to move, such as an embedding: {_embeddings(network)}"
    if not perturbed.parts:
        raise ValueError(f"Penalties move floating-point inputs, and the network has none. {remedy}.")
    if not any(map(cuts, flatten_layers(network))):
        return
    reached = depends(logits_of, perturbed.parts)
    missing = [name for name, yes in zip(perturbed.names, reached, strict=True) if not yes]
    if missing:
        raise ValueError(
            f"The network's outputs have no derivative in {', '.join(missing)}, which penalties move. "
            f"Indices into an embedding have none. {remedy}; or name the inputs to move: perturb={{name: 1.0}}."
        )


def check_terms(terms: Sequence[Any], perturbed: WholeInput) -> None:
    """Refuses movements of a tensor that lies on no lattice, and ranges of a tensor in other units.

    Args:
        terms: the regularizers.
        perturbed: the tensor that penalties move.

    Raises:
        ValueError: a regularizer needs a lattice, and the tensor has none (the message says why); or it clips to a
            range, and the tensor is not in units of the input.

    Example:
        >>> from zoo.training.input_checks import check_terms
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> check_terms([zoo.VirtualMovementTraining("shift")], WholeInput(np.ones((1, 4, 4, 1))))
    """
    for term in terms:
        if term.needs_lattice and perturbed.no_lattice:
            raise ValueError(
                f"{type(term).__name__} moves positions on a lattice. What it is to move has none: "
                f"{perturbed.no_lattice}. Perturb one image or signal, as in perturb={{name: 1.0}}."
            )
        if getattr(term, "input_range", None) is not None and not perturbed.in_units:
            raise ValueError(
                f"input_range={term.input_range} is in units of the input, so it goes with scales of 0 and 1 only, and "
                "not with perturbed layers. Pass input_range=None."
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
