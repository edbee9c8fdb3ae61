"""Gaussian noise."""

from zoo.backend.random_numbers import normal
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.validation import check_number


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
