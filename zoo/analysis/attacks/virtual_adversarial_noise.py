"""The virtual adversarial perturbation."""

from collections.abc import Callable
from typing import Any

from zoo.analysis.attacks.inputs import AttackedInputs
from zoo.analysis.prediction_pass import pass_at
from zoo.backend.random_numbers import Seed
from zoo.regularizers import VirtualAdversarialTraining

Tensor = Any  # a tensor of the backend, or a NumPy array


def virtual_adversarial_noise(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
    *,
    num_power_iterations: int = 10,
) -> Any:
    """Adds the virtual adversarial perturbation: `x + r`, `r = argmax KL[p(x) ‖ p(x + r)]` over `‖r‖ = ε`.

    The perturbation depends on the network, but not on the labels. Power iterations find it to second order in ε.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: x, as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: not used.
        epsilon: ε, L2 norm of r, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None, for the direction from which the iterations start.
        input_range: `(low, high)` to which the result is clipped, `{name: (low, high)}` of several inputs, or None: 0
            to 255 for inputs in uint8, else no bounds.
        num_power_iterations: number of power iterations, at least 0.

    Returns:
        Perturbed inputs, in the structure of `inputs`; see `zoo.analysis.attacks`.

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
    attacked = AttackedInputs(network, inputs, input_range)
    attacked.check_gradient()
    clean_pass = pass_at(attacked.at, attacked.clean, seed=seed)
    regularizer = VirtualAdversarialTraining(epsilon, num_power_iterations=num_power_iterations)
    noise = regularizer.perturbation(clean_pass, clean_pass.random_direction())
    return attacked.restored(attacked.clip(attacked.clean + noise))
