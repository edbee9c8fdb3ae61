"""The regularizers' penalties as measures of a trained network."""

import keras

from zoo.analysis.prediction_pass import map_batches, prediction_pass
from zoo.regularizers import VirtualAdversarialTraining


def penalty_values(network, inputs, regularizer, labels=None, *, seed=0, batch_size=500):
    """The penalty of each example, before its weight, in prediction mode.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, floating-point, as the network takes them.
        regularizer: a penalty on predictions or on the loss: `Smoothness`, `JacobianPenalty`,
            `VirtualAdversarialTraining`, `VirtualMovementTraining`, `AdversarialTraining` or `EntropyMinimization`.
        labels: `(n,)` class indices, for penalties that need them.
        seed: integer, of random directions and noise.
        batch_size: inputs at a time.

    Returns:
        `(n,)`.

    Raises:
        ValueError: no labels for a penalty that needs them.
    """
    generator = keras.random.SeedGenerator(seed)

    def of_batch(x, *y):
        return regularizer.per_example(prediction_pass(network, x, *y, seed=generator))

    return map_batches(of_batch, *((inputs,) if labels is None else (inputs, labels)), batch_size=batch_size)


def local_distributional_smoothness(network, inputs, epsilon, *, num_power_iterations=10, seed=0, batch_size=500):
    """LDS: `KL[p(x) ‖ p(x + r)]` of each example, r the virtual adversarial perturbation of norm ε.

    The less, the smoother. It is VAT's penalty; the sign is that of the later paper, the earlier one has −KL.

    Args:
        network, inputs, seed, batch_size: as for `penalty_values`.
        epsilon: ε, at least 0, in units of the input.
        num_power_iterations: at least 0; more than training needs, for here the direction is what is measured.

    Returns:
        `(n,)`, in nats, at least 0.

    Source: Miyato et al. 2016 and 2018.
    """
    method = VirtualAdversarialTraining(epsilon, num_power_iterations=num_power_iterations)
    return penalty_values(network, inputs, method, seed=seed, batch_size=batch_size)
