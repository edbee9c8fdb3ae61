"""Signs of Gaussian noise."""

from keras import ops

from zoo.backend.random_numbers import normal
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.validation import check_number


def gaussian_sign_noise(network, inputs, labels, tau, seed=None, input_range=None):
    """`x + τ·sign(n)` with Gaussian n: noise of the same power as `sign_noise` that knows nothing of the network.

    Args:
        network, labels: not used.
        inputs, tau, input_range: as for `sign_noise`.
        seed: `keras.random.SeedGenerator`.
    """
    check_number("tau", tau, 0)
    return clip_to_range(inputs + tau * ops.sign(normal(inputs, seed)), check_input_range(input_range))
