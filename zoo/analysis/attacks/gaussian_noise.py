"""Gaussian noise."""

from collections.abc import Callable
from typing import Any

from zoo.analysis.attacks.inputs import AttackedInputs
from zoo.backend.random_numbers import Seed, as_generator, normal
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend, or a NumPy array


def gaussian_noise(
    network: Callable[..., Tensor] | None,
    inputs: Any,
    labels: Any,
    noise_std: float,
    seed: Seed = None,
    input_range: Any = None,
) -> Any:
    """Adds Gaussian noise: `x + n` with `n ~ N(0, noise_std²·I)`.

    Args:
        network: says what moves, see `Classifier`; None moves all floating-point inputs.
        inputs: x, `(n, ...)`, or several in a dictionary, list or tuple.
        labels: not used.
        noise_std: standard deviation of the noise, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None.
        input_range: `(low, high)` to which the result is clipped, `{name: (low, high)}` of several inputs, or None: 0
            to 255 for inputs in uint8, else no bounds.

    Returns:
        Perturbed inputs, in the structure of `inputs`; see `zoo.analysis.attacks`.

    Raises:
        TypeError: `noise_std` is not a number.
        ValueError: `noise_std` is negative, or `input_range` is not an increasing pair.

    Example:
        >>> x = np.zeros((100, 28), "float32")
        >>> noise = np.asarray(zoo.analysis.gaussian_noise(None, x, None, 0.1, seed=0))
        >>> bool(abs(noise.std() - 0.1) < 0.01)
        True
    """
    check_number("noise_std", noise_std, 0)
    attacked = AttackedInputs(network, inputs, input_range)
    noise = noise_std * normal(attacked.clean, as_generator(seed))
    return attacked.restored(attacked.clip(attacked.clean + attacked.masked(noise)))
