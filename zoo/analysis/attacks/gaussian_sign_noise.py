"""Signs of Gaussian noise."""

from collections.abc import Callable
from typing import Any

from keras import ops

from zoo.analysis.attacks.inputs import AttackedInputs
from zoo.backend.random_numbers import Seed, as_generator, normal
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend, or a NumPy array


def gaussian_sign_noise(
    network: Callable[..., Tensor] | None,
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
) -> Any:
    """Adds random signs: `x + ε·sign(n)` with Gaussian n.

    The noise has the power of `sign_noise`, but does not depend on the network. The difference between both shows the
    effect of the direction.

    Args:
        network: says what moves, see `Classifier`; None moves all floating-point inputs.
        inputs: x, `(n, ...)`, or several in a dictionary, list or tuple.
        labels: not used.
        epsilon: ε, L∞ norm of the noise, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None.
        input_range: `(low, high)` to which the result is clipped, `{name: (low, high)}` of several inputs, or None: 0
            to 255 for inputs in uint8, else no bounds.

    Returns:
        Perturbed inputs, in the structure of `inputs`; see `zoo.analysis.attacks`.

    Raises:
        TypeError: `epsilon` is not a number.
        ValueError: `epsilon` is negative, or `input_range` is not an increasing pair.

    Source: Maroñas Molano, 2016, "Adversarial learning with ladder networks" (thesis).

    Example:
        >>> np.abs(zoo.analysis.gaussian_sign_noise(None, np.zeros((1, 3)), None, 0.25, seed=0))
        array([[0.25, 0.25, 0.25]])
    """
    check_number("epsilon", epsilon, 0)
    attacked = AttackedInputs(network, inputs, input_range)
    noise = epsilon * ops.sign(normal(attacked.clean, as_generator(seed)))
    return attacked.restored(attacked.clip(attacked.clean + attacked.masked(noise)))
