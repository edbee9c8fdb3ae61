"""Checks of what penalties and attacks move."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from zoo.backend.derivatives import depends
from zoo.backend.keras_internals import flatten_layers
from zoo.training.inputs import declared_inputs
from zoo.training.perturbed_inputs import WholeInput
from zoo.training.perturbed_layers import find_layer, layer_names

Tensor = Any  # a tensor of the backend

INDEXING = (
    keras.layers.CategoryEncoding,
    keras.layers.Discretization,
    keras.layers.Embedding,
    keras.layers.HashedCrossing,
    keras.layers.Hashing,
    keras.layers.IntegerLookup,
    keras.layers.Lambda,
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
        >>> from zoo.training.perturb_checks import check_moving
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


def _layers(network):
    """The layers of a network; none of a plain function."""
    return flatten_layers(network) if isinstance(network, keras.Layer) else []


def _embeddings(network):
    """The argument `perturb` that names the embeddings of a network."""
    names = dict.fromkeys(each.name for each in _layers(network) if isinstance(each, keras.layers.Embedding))
    return " or ".join(f"perturb={name!r}" for name in names or ["embedding"])


def cuts(layer: keras.Layer) -> bool:
    """Whether a layer may round its inputs to indices, through which no derivative runs.

    Args:
        layer: any Keras layer.

    Example:
        >>> from zoo.training.perturb_checks import cuts
        >>> cuts(keras.layers.Embedding(5, 2)), cuts(keras.layers.Dense(3))
        (True, False)
    """
    return isinstance(layer, INDEXING) or type(layer).__module__.partition(".")[0] not in ("keras", "zoo")


def may_cut(network: Any) -> bool:
    """Whether a layer of a network may round its inputs to indices.

    Args:
        network: any Keras network, or any function (False).

    Example:
        >>> from zoo.training.perturb_checks import may_cut
        >>> may_cut(zoo.networks.mlp((4,), 3))
        False
    """
    return any(map(cuts, _layers(network)))


def check_floating(network: Any, perturbed: WholeInput) -> None:
    """Refuses what cannot move a little: integers and strings.

    Args:
        network: any Keras network, or any function.
        perturbed: the tensor that penalties and attacks move.

    Raises:
        ValueError: there is nothing in floating point.

    Example:
        >>> from zoo.training.perturb_checks import check_floating
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> check_floating(None, WholeInput(np.ones((1, 2))))
    """
    if not perturbed.parts or not all(keras.backend.is_float_dtype(part.dtype) for part in perturbed.parts):
        dtypes = ", ".join(keras.backend.standardize_dtype(part.dtype) for part in perturbed.parts)
        raise ValueError(
            f"Penalties and attacks move floating-point inputs, received {dtypes or 'none'}. Name the layer whose "
            f"outputs to move, such as an embedding: {_embeddings(network)}."
        )


def check_reached(
    network: Any, perturbed: WholeInput, logits_of: Callable[..., Tensor], what: str = "penalties"
) -> None:
    """Refuses penalties that would be 0, because no derivative runs from what they move to the logits.

    Args:
        network: any Keras network, built; or any function, which is not checked.
        perturbed: the tensor that penalties move.
        logits_of: its parts to the logits.
        what: what moves the tensor, for the message.

    Raises:
        ValueError: nothing moves, or the logits have no derivative in a part of it.

    Example:
        >>> from zoo.training.perturb_checks import check_reached
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> check_reached(keras.layers.Dense(2), WholeInput(keras.ops.ones((1, 2))), lambda x: 2 * x)
    """
    check_floating(network, perturbed)
    if not may_cut(network):
        return
    reached = depends(logits_of, perturbed.parts)
    missing = [name for name, yes in zip(perturbed.names, reached, strict=True) if not yes]
    if missing:
        raise ValueError(
            f"The network's outputs have no derivative in {', '.join(missing)}, which {what} move. "
            "Indices into an embedding have none. Name the layer whose outputs to move, such as an embedding: "
            f"{_embeddings(network)}; or name the inputs to move: perturb={{name: 1.0}}."
        )


def check_lattice(what: str, perturbed: WholeInput) -> None:
    """Refuses a tensor that lies on no lattice.

    Args:
        what: what moves positions, the beginning of the message.
        perturbed: the tensor that penalties and attacks move.

    Raises:
        ValueError: the tensor has no lattice. The message says why.

    Example:
        >>> from zoo.training.perturb_checks import check_lattice
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> check_lattice("VirtualMovementTraining", WholeInput(np.ones((1, 4, 4, 1))))
    """
    if perturbed.no_lattice:
        raise ValueError(
            f"{what} moves positions on a lattice. What it is to move has none: {perturbed.no_lattice}. Perturb one "
            "image or signal, as in perturb={name: 1.0}."
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
        >>> from zoo.training.perturb_checks import check_terms
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> check_terms([zoo.VirtualMovementTraining("shift")], WholeInput(np.ones((1, 4, 4, 1))))
    """
    for term in terms:
        if term.needs_lattice:
            check_lattice(type(term).__name__, perturbed)
        if getattr(term, "input_range", None) is not None and not perturbed.in_units:
            raise ValueError(
                f"input_range={term.input_range} is in units of the input, so it goes with scales of 0 and 1 only, and "
                "not with perturbed layers. Pass input_range=None."
            )
