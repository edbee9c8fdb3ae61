"""Attacks in one step: noise of a given size, made from the network's gradients or without it."""

from keras import ops

from zoo.analysis.prediction_pass import loss_gradient, prediction_pass
from zoo.random_numbers import normal
from zoo.regularizers import VirtualAdversarialTraining, per_example
from zoo.regularizers.adversarial import adversarial_noise
from zoo.regularizers.input_range import check_input_range, clip_to_range
from zoo.validation import check_number


def sign_noise(network, inputs, labels, tau, seed=None, input_range=None):
    """`x + τ·sign(∂L/∂x)`: the thesis's equation 42, and the fast gradient sign method (FGSM).

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, floating-point, as the network takes them.
        labels: `(n,)` class indices.
        tau: τ, at least 0, in units of the input.
        seed: not used.
        input_range: `(low, high)` to which the result is clipped, or None.

    Raises:
        ValueError: τ or the range is out of its own.

    Source: Goodfellow et al. 2015; Maroñas Molano 2016 (thesis).
    """
    check_number("tau", tau, 0)
    noise = adversarial_noise(loss_gradient(network, inputs, labels), "sign")
    return clip_to_range(inputs + tau * noise, check_input_range(input_range))


def gaussian_sign_noise(network, inputs, labels, tau, seed=None, input_range=None):
    """`x + τ·sign(n)` with Gaussian n: noise of the same power as `sign_noise` that knows nothing of the network.

    Args:
        network, labels: not used.
        inputs, tau, input_range: as for `sign_noise`.
        seed: `keras.random.SeedGenerator`.
    """
    check_number("tau", tau, 0)
    return clip_to_range(inputs + tau * ops.sign(normal(inputs, seed)), check_input_range(input_range))


def gaussian_noise(network, inputs, labels, std, seed=None, input_range=None):
    """`x + n` with `n ~ N(0, std²·I)`.

    Args:
        network, labels: not used.
        inputs, input_range: as for `sign_noise`.
        std: at least 0, in units of the input.
        seed: `keras.random.SeedGenerator`.
    """
    check_number("std", std, 0)
    return clip_to_range(inputs + std * normal(inputs, seed), check_input_range(input_range))


def virtual_adversarial_noise(
    network, inputs, labels, epsilon, seed=None, input_range=None, *, num_power_iterations=10
):
    """`x + r`, r the virtual adversarial perturbation of norm ε: it knows the network, and not the labels.

    Args:
        network, inputs, input_range: as for `sign_noise`.
        labels: not used.
        epsilon: ε, at least 0, in units of the input.
        seed: `keras.random.SeedGenerator`, of the direction from which the iteration starts.
        num_power_iterations: at least 0.

    Source: Miyato et al. 2016.
    """
    clean_pass = prediction_pass(network, inputs, seed=seed)
    start = per_example.random_direction(clean_pass.inputs, clean_pass.seed)
    method = VirtualAdversarialTraining(epsilon, num_power_iterations=num_power_iterations)
    return clip_to_range(clean_pass.inputs + method.perturbation(clean_pass, start), check_input_range(input_range))
