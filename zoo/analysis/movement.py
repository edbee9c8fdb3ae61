"""How much infinitesimal movements of the inputs change the loss of a trained classifier."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from zoo.analysis.prediction_pass import compiled, map_batches, prediction_pass
from zoo.regularizers import VirtualMovementTraining
from zoo.regularizers.math.movement import lattice_view
from zoo.regularizers.math.movement_fields import MovementField, get_field

Tensor = Any  # a tensor of the backend

FIELDS = ("shift", "rotation", "scale")


def movement_measure(
    network: Callable[..., Tensor],
    inputs: Any,
    fields: Sequence[str | MovementField] = FIELDS,
    border: str = "zero",
    normalization: str = "none",
) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
    """The function that `worst_movement_changes` applies to every batch, for repeated measurements.

    Args:
        network: as for `worst_movement_changes`.
        inputs: one or more inputs, which show the lattice.
        fields: as for `worst_movement_changes`.
        border: as for `worst_movement_changes`.
        normalization: as for `worst_movement_changes`.

    Returns:
        `(inputs, labels) -> {family: (n,)}`, `compiled` for the network.

    Example:
        >>> from zoo.analysis.movement import movement_measure
        >>> network, x = zoo.networks.mlp((8,), 3, hidden_units=()), np.ones((2, 8), "float32")
        >>> measure = movement_measure(network, x)
        >>> sorted(measure(x, np.array([0, 1])))
        ['scale', 'shift']
    """
    lattice = tuple(lattice_view(inputs[:1]).shape[1:-1])
    families = [get_field(field) for field in fields]
    families = [family for family in families if len(family.basis(lattice))]
    options: dict[str, Any] = {"border": border, "normalization": normalization}
    regularizers = [VirtualMovementTraining(family, **options) for family in families]
    seed = keras.random.SeedGenerator(0)  # not used: a single family draws no random numbers

    def of_batch(x, y):
        clean_pass = prediction_pass(network, x, y, seed=seed)  # all families share its loss gradient
        return [regularizer.per_example(clean_pass) for regularizer in regularizers]

    values = compiled(of_batch, network)
    names = [family.name for family in families]
    return lambda x, y: dict(zip(names, values(x, y), strict=True))


def worst_movement_changes(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    fields: Sequence[str | MovementField] = FIELDS,
    *,
    border: str = "zero",
    normalization: str = "none",
    batch_size: int = 500,
) -> dict[str, np.ndarray]:
    """`R = max_V |∂L/∂ε|` for each example and each family of movement fields V with `mean_p ‖V_p‖² = 1`.

    `∂L/∂ε` is the derivative of the loss along an infinitesimal movement εV of the input, in prediction mode.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, in floating point: signals `(n, length)`, or images or volumes with their channels last.
        labels: class indices, `(n,)`.
        fields: families: `"shift"`, `"rotation"`, `"scale"`, `"affine"`, `"smooth"` or `MovementField`s.
        border: values outside the lattice: `"zero"`, `"nearest"` or `"periodic"`.
        normalization: `"none"` (default), or `"example"`, which divides the loss gradient of each example by its norm,
            as for the curves of the paper. R then does not fall with the loss.
        batch_size: number of inputs at a time.

    Returns:
        `{family: (n,)}`, without families that have no field on this lattice.

    Raises:
        ValueError: an unknown name, with the nearest one.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equations 8 to 15. Affine and smooth fields are additions.

    Example:
        >>> network, x = zoo.networks.mlp((28, 28, 1), 10, hidden_units=()), np.ones((2, 28, 28, 1), "float32")
        >>> changes = zoo.analysis.worst_movement_changes(network, x, labels=[3, 7])
        >>> {family: values.shape for family, values in changes.items()}
        {'shift': (2,), 'rotation': (2,), 'scale': (2,)}
    """
    measure = movement_measure(network, inputs, fields, border, normalization)
    return map_batches(measure, inputs, labels, batch_size=batch_size)


def worst_movements(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    field: str | MovementField,
    *,
    border: str = "zero",
    batch_size: int = 500,
) -> np.ndarray:
    """The worst movement V* of each example, with `mean_p ‖V_p‖² = 1` and the sign that raises the loss.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, as for `worst_movement_changes`.
        labels: class indices, `(n,)`.
        field: a family of movement fields, as for `worst_movement_changes`.
        border: values outside the lattice: `"zero"`, `"nearest"` or `"periodic"`.
        batch_size: number of inputs at a time.

    Returns:
        `(n, *lattice, m)`: the vector at each position, in units of the lattice spacing. It is zero for an example
        whose loss no movement of the family changes. `zoo.analysis.move(inputs, ε * movements)` applies the movement.

    Raises:
        ValueError: an unknown name, or the lattice has no such movement.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equations 9 to 15.

    Example:
        >>> network, x = zoo.networks.mlp((28, 28, 1), 10, hidden_units=()), np.ones((2, 28, 28, 1), "float32")
        >>> movements = zoo.analysis.worst_movements(network, x, [3, 7], "affine")
        >>> zoo.analysis.move(x, 0.5 * movements).shape
        (2, 28, 28, 1)
    """
    regularizer = VirtualMovementTraining(get_field(field), border=border)
    return map_batches(
        lambda x, y: regularizer.worst_movement(prediction_pass(network, x, y))[0],
        np.asarray(inputs),
        np.asarray(labels),
        batch_size=batch_size,
    )
