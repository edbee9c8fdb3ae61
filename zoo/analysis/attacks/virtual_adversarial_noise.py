"""The virtual adversarial perturbation."""

from zoo.analysis.prediction_pass import prediction_pass
from zoo.regularizers import VirtualAdversarialTraining
from zoo.regularizers.math import per_example
from zoo.regularizers.math.input_range import check_input_range, clip_to_range


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
