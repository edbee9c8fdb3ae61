"""What each method does to inputs during training."""

import keras
import numpy as np
from keras import ops

from zoo import analysis
from zoo.regularizers.math import per_example
from zoo.regularizers.math.worst_directions import adversarial_noise

MOVEMENTS = ("shift", "rotation", "scale", "smooth")


def loss_gradient(network: keras.Model, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of the loss in the inputs, in the shape of the inputs."""
    return ops.convert_to_numpy(analysis.loss_gradient(network, ops.convert_to_tensor(inputs), labels))


def perturbed(
    network: keras.Model, inputs: np.ndarray, labels: np.ndarray, gradient: np.ndarray, epsilon: float, seed: int
) -> dict[str, np.ndarray]:
    """Perturbs inputs adversarially, virtually adversarially and randomly.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`.
        labels: `(n,)`.
        gradient: of the loss in the inputs.
        epsilon: L2 norm of the perturbations.
        seed: of the random ones.

    Returns:
        `{kind: perturbed inputs}`; the first kind is clean.
    """
    generator, x = keras.random.SeedGenerator(seed), ops.convert_to_tensor(inputs)
    versions = {
        "clean": x,
        "adversarial": x + epsilon * adversarial_noise(ops.convert_to_tensor(gradient), "l2"),
        "virtual adv.": analysis.virtual_adversarial_noise(network, x, labels, epsilon, generator),
        "random": x + epsilon * per_example.random_direction(x, generator),
    }
    return {kind: ops.convert_to_numpy(version) for kind, version in versions.items()}


def worst_direction(network: keras.Model, inputs: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The unit directions in which the logits change most, with the sign that raises the loss; like the inputs.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`.
        gradient: of the loss in the inputs.
    """
    rows = analysis.jacobian(network, inputs)
    directions = np.linalg.svd(rows, full_matrices=False)[2][:, 0].reshape(inputs.shape)
    signs = np.sign((directions * gradient).reshape(len(inputs), -1).sum(axis=1))
    return (directions * signs.reshape(-1, *[1] * (inputs.ndim - 1))).astype(inputs.dtype)


def changed_by_methods(
    network: keras.Model, x: np.ndarray, labels: np.ndarray, epsilon: float, distance: float, seed: int
) -> dict[str, np.ndarray]:
    """`{method: inputs}` after the change that each method trains against; the first one is clean.

    Args:
        network: from inputs to logits.
        x: inputs, `(n, ...)`.
        labels: `(n,)`.
        epsilon: L2 norm of perturbations.
        distance: root mean square length of movements, in positions.
        seed: of random perturbations.
    """
    gradient = loss_gradient(network, x, labels)
    versions = perturbed(network, x, labels, gradient, epsilon, seed)
    signs = ops.convert_to_numpy(per_example.normalize(ops.sign(ops.convert_to_tensor(gradient))))
    moved = {
        family: analysis.move(x, distance * analysis.worst_movements(network, x, labels, family))
        for family in MOVEMENTS
    }
    return {
        "clean": versions["clean"],
        "random noise": versions["random"],
        "AT, L2": versions["adversarial"],
        "AT, L∞": x + epsilon * signs,
        "VAT": versions["virtual adv."],
        "Jacobian": x + epsilon * worst_direction(network, x, gradient),
        **{f"VMT, {family}": each for family, each in moved.items()},
    }
