"""The fast gradient sign method."""

from zoo.analysis.prediction_pass import loss_gradient
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import adversarial_noise
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
