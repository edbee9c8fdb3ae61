"""The fast gradient sign method."""

from collections.abc import Callable
from typing import Any

from zoo.analysis.attacks.inputs import AttackedInputs
from zoo.analysis.prediction_pass import pass_at
from zoo.backend.random_numbers import Seed
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend, or a NumPy array


def sign_noise(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
) -> Any:
    """The fast gradient sign method (FGSM): `x + ε·sign(∂L/∂x)`.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: x, as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: as for `misclassified`.
        epsilon: ε, L∞ norm of the perturbation, at least 0, in units of the input (τ in the thesis).
        seed: not used.
        input_range: `(low, high)` to which the result is clipped, `{name: (low, high)}` of several inputs, or None: 0
            to 255 for inputs in uint8, else no bounds.

    Returns:
        Perturbed inputs, in the structure of `inputs`; see `zoo.analysis.attacks`.

    Raises:
        TypeError: `epsilon` is not a number.
        ValueError: `epsilon` is negative, or `input_range` is not an increasing pair.

    Source: Goodfellow, Shlens, Szegedy, 2015, "Explaining and harnessing adversarial examples",
    https://arxiv.org/abs/1412.6572; equation 42 of Maroñas Molano, 2016, "Adversarial learning with ladder networks"
    (thesis).

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.array([[1.0, 0.0], [0.0, 1.0]]))
        >>> np.asarray(zoo.analysis.sign_noise(network, np.array([[1.0, 0.0]]), [0], 0.25))
        array([[0.75, 0.25]])
    """
    check_number("epsilon", epsilon, 0)
    attacked = AttackedInputs(network, inputs, input_range)
    attacked.check_gradient()
    gradient = pass_at(attacked.at, attacked.clean, attacked.labels(labels)).loss_gradient
    noise = adversarial_noise(gradient, "sign")
    return attacked.restored(attacked.clip(attacked.clean + epsilon * noise))
