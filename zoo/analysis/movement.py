"""How much infinitesimal movements of the inputs change a trained classifier's loss."""

import keras
import numpy as np

from zoo.analysis.prediction_pass import compiled, map_batches, prediction_pass
from zoo.regularizers import VirtualMovementTraining
from zoo.regularizers.math.movement import lattice_view
from zoo.regularizers.math.movement_fields import get_field

FIELDS = ("shift", "rotation", "scale")


def movement_measure(network, inputs, fields=FIELDS, border="zero"):
    """What `worst_movement_changes` applies to every batch, for who measures again and again.

    Args:
        network, fields, border: as there.
        inputs: one or more of the inputs, whose lattice counts.

    Returns:
        `(inputs, labels) -> {family: (n,)}`, `compiled` for the network.
    """
    lattice = tuple(lattice_view(inputs[:1]).shape[1:-1])
    families = [get_field(field) for field in fields]
    methods = [VirtualMovementTraining(family, border=border) for family in families if len(family.basis(lattice))]
    seed = keras.random.SeedGenerator(0)  # of which no single family draws

    def of_batch(x, y):
        clean_pass = prediction_pass(network, x, y, seed=seed)  # all families share its loss gradient
        return [method.per_example(clean_pass) for method in methods]

    values = compiled(of_batch, network)
    names = [method.field.name for method in methods]
    return lambda x, y: dict(zip(names, values(x, y), strict=True))


def worst_movement_changes(network, inputs, labels, fields=FIELDS, *, border="zero", batch_size=500):
    """`R = max_V |∂L/∂ε|` of each example and each family of movement fields, in prediction mode.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, floating-point, on the lattice that they show (`lattice_view`).
        labels: `(n,)` class indices.
        fields: names of families (`"shift"`, `"rotation"`, `"scale"`, `"affine"`, `"smooth"`), or `MovementField`s.
        border: what lies outside the lattice, as for `VirtualMovementTraining`.
        batch_size: inputs at a time.

    Returns:
        `{family: (n,)}`, without families that have no field on this lattice.

    Source: VMT paper, equations 9 to 15; affine and smooth fields are additions.
    """
    return map_batches(movement_measure(network, inputs, fields, border), inputs, labels, batch_size=batch_size)


def worst_movements(network, inputs, labels, field, *, border="zero", batch_size=500):
    """The worst movement V* itself, with `mean_p ‖V_p‖² = 1` and the sign that raises the loss.

    Args:
        network, inputs, labels, border, batch_size: as for `worst_movement_changes`.
        field: a family of movement fields.

    Returns:
        `(n, *lattice, m)`: the vector of each position, in units of the lattice spacing; zero for an example whose
        loss no movement of the family changes. `zoo.analysis.move(inputs, ε·V*)` moves by it.

    Raises:
        ValueError: the lattice has no such movement.
    """
    method = VirtualMovementTraining(get_field(field), border=border)
    return map_batches(
        lambda x, y: method.worst_movement(prediction_pass(network, x, y))[0],
        np.asarray(inputs),
        np.asarray(labels),
        batch_size=batch_size,
    )
