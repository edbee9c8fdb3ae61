"""How much infinitesimal movements of the inputs change the loss of a trained classifier."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from zoo.analysis.batches import compiled, map_batches
from zoo.analysis.classifier import as_classifier
from zoo.analysis.prediction_pass import prediction_pass
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.regularizers import VirtualMovementTraining
from zoo.regularizers.math.movement import lattice_view
from zoo.regularizers.math.movement_fields import MovementField, get_field
from zoo.training.perturb_checks import check_lattice

Tensor = Any  # a tensor of the backend

FIELDS = ("shift", "rotation", "scale")


def movement_measure(
    network: Callable[..., Tensor],
    inputs: Any,
    fields: Sequence[str | MovementField] = FIELDS,
    border: str = "zero",
    normalizations: Sequence[str] = ("none",),
    data_format: str | None = None,
) -> Callable[[Any, Tensor], dict[str, dict[str, Tensor]]]:
    """The function that `worst_movement_changes` applies to every batch, for repeated measurements.

    Args:
        network: as for `worst_movement_changes`.
        inputs: one or more inputs, which show the lattice.
        fields: as for `worst_movement_changes`.
        border: as for `worst_movement_changes`.
        normalizations: each as for `worst_movement_changes`. All share the loss gradient.
        data_format: as for `worst_movement_changes`.

    Returns:
        `(inputs, labels) -> {normalization: {family: (n,)}}`, `compiled` for the network.

    Example:
        >>> from zoo.analysis.movement import movement_measure
        >>> network, x = zoo.networks.mlp((8,), 3, hidden_units=()), np.ones((2, 8), "float32")
        >>> measure = movement_measure(network, x)
        >>> {each: sorted(changes) for each, changes in measure(x, np.array([0, 1])).items()}
        {'none': ['scale', 'shift']}
    """
    classifier = as_classifier(network)
    at = classifier.at(take_rows(inputs, slice(0, 1)))
    check_lattice("The measure", at.perturbed)
    lattice = tuple(lattice_view(at.tensor, None, data_format).shape[1:-1])
    families = [get_field(field) for field in fields]
    families = [family for family in families if len(family.basis(lattice))]
    options: dict[str, Any] = {"border": border, "data_format": data_format}
    regularizers = [
        VirtualMovementTraining(family, normalization=each, **options) for each in normalizations for family in families
    ]
    seed = keras.random.SeedGenerator(0)  # not used: a single family draws no random numbers

    def of_batch(x, y):
        clean_pass = prediction_pass(classifier, x, y, seed=seed)  # all families share its loss gradient
        return [regularizer.per_example(clean_pass) for regularizer in regularizers]

    values = compiled(of_batch, network)
    names = [family.name for family in families]

    def measure(x, y):
        found = iter(values(x, y))
        return {each: {name: next(found) for name in names} for each in normalizations}

    return measure


def worst_movement_changes(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    fields: Sequence[str | MovementField] = FIELDS,
    *,
    border: str = "zero",
    normalization: str = "none",
    data_format: str | None = None,
    batch_size: int = 500,
) -> dict[str, np.ndarray]:
    """`R = max_V |∂L/∂ε|` for each example and each family of movement fields V with `mean_p ‖V_p‖² = 1`.

    `∂L/∂ε` is the derivative of the loss along an infinitesimal movement εV of the input, in prediction mode.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them. What moves is one input of signals `(n, length)`, or of images or volumes
            with channels; or a feature map of a named layer.
        labels: as for `misclassified`.
        fields: families: `"shift"`, `"rotation"`, `"scale"`, `"affine"`, `"smooth"` or `MovementField`s.
        border: values outside the lattice: `"zero"`, `"nearest"` or `"periodic"`.
        normalization: `"none"` (default), or `"example"`, which divides the loss gradient of each example by its norm,
            as for the curves of the paper. R then does not fall with the loss.
        data_format: place of the channels: `"channels_last"` or `"channels_first"`. None takes Keras's
            `image_data_format()`, and refuses images that do not look like it.
        batch_size: number of inputs at a time.

    Returns:
        `{family: (n,)}`, without families that have no field on this lattice.

    Raises:
        ValueError: an unknown name, with the nearest one; or what moves lies on no lattice, or its shape contradicts
            the data format.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equations 8 to 15. Affine and smooth fields are additions.

    Example:
        >>> network, x = zoo.networks.mlp((28, 28, 1), 10, hidden_units=()), np.ones((2, 28, 28, 1), "float32")
        >>> changes = zoo.analysis.worst_movement_changes(network, x, labels=[3, 7])
        >>> {family: values.shape for family, values in changes.items()}
        {'shift': (2,), 'rotation': (2,), 'scale': (2,)}
    """
    inputs = as_inputs(inputs)
    measure = movement_measure(network, inputs, fields, border, (normalization,), data_format)
    labels = as_classifier(network).labels(inputs, labels, batch_size=batch_size)
    return map_batches(measure, inputs, labels, batch_size=batch_size)[normalization]


def worst_movements(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    field: str | MovementField,
    *,
    border: str = "zero",
    data_format: str | None = None,
    batch_size: int = 500,
) -> np.ndarray:
    """The worst movement V* of each example, with `mean_p ‖V_p‖² = 1` and the sign that raises the loss.

    Args:
        network: as for `worst_movement_changes`.
        inputs: as for `worst_movement_changes`.
        labels: as for `misclassified`.
        field: a family of movement fields, as for `worst_movement_changes`.
        border: values outside the lattice: `"zero"`, `"nearest"` or `"periodic"`.
        data_format: place of the channels, as for `worst_movement_changes`.
        batch_size: number of inputs at a time.

    Returns:
        `(n, *lattice, m)`: the vector at each position, in units of the lattice spacing. It is zero for an example
        whose loss no movement of the family changes. `zoo.analysis.move(inputs, ε * movements)` applies the movement.

    Raises:
        ValueError: an unknown name, or what moves lies on no lattice, or the lattice has no such movement.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equations 9 to 15.

    Example:
        >>> network, x = zoo.networks.mlp((28, 28, 1), 10, hidden_units=()), np.ones((2, 28, 28, 1), "float32")
        >>> movements = zoo.analysis.worst_movements(network, x, [3, 7], "affine")
        >>> zoo.analysis.move(x, 0.5 * movements).shape
        (2, 28, 28, 1)
    """
    regularizer = VirtualMovementTraining(get_field(field), border=border, data_format=data_format)
    classifier = as_classifier(network)

    def of_batch(x, y):
        return regularizer.worst_movement(prediction_pass(classifier, x, y, terms=[regularizer]))[0]

    labels = classifier.labels(inputs, labels, batch_size=batch_size)
    return map_batches(of_batch, inputs, labels, batch_size=batch_size)
