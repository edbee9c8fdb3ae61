"""The penalties of regularizers as measures of a trained network."""

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import as_classifier
from zoo.analysis.prediction_pass import prediction_pass
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers import Regularizer, VirtualAdversarialTraining

Tensor = Any  # a tensor of the backend


def penalty_values(
    network: Callable[..., Tensor],
    inputs: Any,
    regularizer: Regularizer,
    labels: Any = None,
    *,
    seed: Seed = 0,
    batch_size: int = 500,
) -> np.ndarray:
    """The penalty of each example, before its weight, in prediction mode.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        regularizer: a regularizer that has a penalty for each example, such as `Smoothness`, `JacobianPenalty`,
            `VirtualAdversarialTraining`, `Trades`, `VirtualMovementTraining` or `EntropyMinimization`.
        labels: as for `misclassified`, for penalties that need them.
        seed: integer, `keras.random.SeedGenerator` or None, for random directions and noise.
        batch_size: number of inputs at a time.

    Returns:
        `(n,)`.

    Raises:
        TypeError: the regularizer is a sum, or has no penalty of each example.
        ValueError: there are no labels for a penalty that needs them, or the penalty moves positions and what moves
            lies on no lattice.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([2.0, 1.0]))
        >>> zoo.analysis.penalty_values(network, np.zeros((3, 2)), zoo.JacobianPenalty())
        array([5., 5., 5.])
    """
    if type(regularizer).per_example is Regularizer.per_example:
        raise TypeError(
            f"The regularizer must have a penalty of each example, received {regularizer!r}. Measure the terms of a "
            "sum one by one; a penalty on the weights alone has none."
        )
    generator, classifier = as_generator(seed), as_classifier(network)

    def of_batch(x, *y):
        return regularizer.per_example(prediction_pass(classifier, x, *y, seed=generator, terms=regularizer.terms))

    labels = () if labels is None else (classifier.labels(inputs, labels, batch_size=batch_size),)
    return map_batches(of_batch, inputs, *labels, batch_size=batch_size)


def local_distributional_smoothness(
    network: Callable[..., Tensor],
    inputs: Any,
    epsilon: float,
    *,
    num_power_iterations: int = 10,
    seed: Seed = 0,
    batch_size: int = 500,
) -> np.ndarray:
    """LDS: `KL[p(x) ‖ p(x + r)]` of each example, with the virtual adversarial perturbation r of norm ε.

    A smaller value means a smoother prediction. LDS is the penalty of VAT. Its sign is that of the paper of 2018; the
    paper of 2016 has −KL.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        epsilon: ε, L2 norm of r, at least 0, in units of the input (of several, of their joint vector).
        num_power_iterations: number of power iterations, at least 0. The default is larger than in training, because
            the measure depends on the direction.
        seed: integer, `keras.random.SeedGenerator` or None, for the directions from which the iterations start.
        batch_size: number of inputs at a time.

    Returns:
        `(n,)`, in nats, at least 0.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range.

    Source: Miyato, Maeda, Koyama, Nakae, Ishii, 2016, "Distributional smoothing with virtual adversarial training",
    https://arxiv.org/abs/1507.00677; Miyato, Maeda, Koyama, Ishii, 2018, "Virtual adversarial training",
    https://arxiv.org/abs/1704.03976.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=())
        >>> zoo.analysis.local_distributional_smoothness(network, np.zeros((3, 784), "float32"), epsilon=2.0).shape
        (3,)
    """
    regularizer = VirtualAdversarialTraining(epsilon, num_power_iterations=num_power_iterations)
    return penalty_values(network, inputs, regularizer, seed=seed, batch_size=batch_size)
