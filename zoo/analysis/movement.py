"""How much small movements of the inputs change a trained classifier's loss."""

import numpy as np
from keras import ops

from zoo.analysis.attacks import loss_gradient
from zoo.regularizers import per_example
from zoo.regularizers.movement import lattice_view, movement_scores, spatial_gradient
from zoo.regularizers.movement_fields import get_field, orthonormal_basis

FIELDS = ("shift", "rotation", "scale")


def worst_movement_changes(network, inputs, labels, fields=FIELDS, *, border="zero", batch_size=500):
    """`R = max_V |∂L/∂ε|` of each family of movement fields, the mean over examples, in prediction mode.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, preprocessed, on the lattice that they show (`lattice_view`).
        labels: `(n,)` class indices.
        fields: names of families, or `MovementField`s.
        border: what lies outside the lattice, as for `VirtualMovementTraining`.
        batch_size: inputs at a time.

    Returns:
        `{family: R}`, without families that have no field on this lattice.

    Source: VMT paper, equations 9 to 15.
    """
    lattice = tuple(lattice_view(ops.convert_to_tensor(inputs[:1])).shape[1:-1])
    families = [get_field(field) for field in fields]
    bases = {family.name: orthonormal_basis(family.basis(lattice)) for family in families}
    bases = {name: basis for name, basis in bases.items() if len(basis)}
    sums = dict.fromkeys(bases, 0.0)
    for start in range(0, len(inputs), batch_size):
        x, y = ops.convert_to_tensor(inputs[start : start + batch_size]), labels[start : start + batch_size]
        gradient = lattice_view(loss_gradient(network, x, y))
        image_gradient = spatial_gradient(lattice_view(x), border)
        for name, basis in bases.items():
            changes = ops.sqrt(per_example.squared_norm(movement_scores(gradient, image_gradient, basis)))
            sums[name] += float(np.sum(ops.convert_to_numpy(changes)))
    return {name: total / len(inputs) for name, total in sums.items()}
