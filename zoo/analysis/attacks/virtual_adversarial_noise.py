"""The virtual adversarial perturbation."""

from collections.abc import Callable
from typing import Any

from zoo.analysis.attacks.inputs import as_floating
from zoo.analysis.prediction_pass import prediction_pass
from zoo.backend.random_numbers import Seed
from zoo.regularizers import VirtualAdversarialTraining
from zoo.regularizers.math import per_example
from zoo.regularizers.math.input_range import clip_to_range

Tensor = Any  # a tensor of the backend, or a NumPy array


def virtual_adversarial_noise(
    network: Callable[..., Tensor],
    inputs: Tensor,
    labels: Tensor | None,
    epsilon: float,
    seed: Seed = None,
    input_range: tuple[float, float] | None = None,
    *,
    num_power_iterations: int = 10,
) -> Tensor:
    """Adds the virtual adversarial perturbation: `x + r`, `r = argmax KL[p(x) ‖ p(x + r)]` over `‖r‖ = ε`.

    The perturbation depends on the network, but not on the labels. Power iterations find it to second order in ε.

    Args:
        network: Keras network from inputs to logits.
        inputs: x, `(n, ...)`, as the network takes them.
        labels: not used.
        epsilon: ε, L2 norm of r, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None, for the direction from which the iterations start.
        input_range: `(low, high)` to which the result is clipped, or None: 0 to 255 for inputs in uint8, else no
            bounds.
        num_power_iterations: number of power iterations, at least 0.

    Returns:
        Perturbed inputs, `(n, ...)`.

    Raises:
        TypeError: `epsilon` or `num_power_iterations` is not a number.
        ValueError: an argument is out of range.

    Source: Miyato, Maeda, Koyama, Nakae, Ishii, 2016, "Distributional smoothing with virtual adversarial training",
    https://arxiv.org/abs/1507.00677.

    Example:
        >>> network, x = zoo.networks.mlp((4,), 3, hidden_units=()), np.zeros((1, 4), "float32")
        >>> attacked = zoo.analysis.virtual_adversarial_noise(network, x, None, 0.5, seed=0)
        >>> round(float(np.linalg.norm(attacked)), 4)
        0.5
    """
    x, input_range = as_floating(inputs, input_range)
    clean_pass = prediction_pass(network, x, seed=seed)
    start = per_example.random_direction(clean_pass.inputs, clean_pass.seed)
    regularizer = VirtualAdversarialTraining(epsilon, num_power_iterations=num_power_iterations)
    perturbed = clean_pass.inputs + regularizer.perturbation(clean_pass, start)
    return clip_to_range(perturbed, input_range)
