"""Attacks on a trained classifier: noise of given size, and the error that it makes."""

import keras
import numpy as np
from keras import ops

from zoo.autodiff import linearize
from zoo.random_numbers import normal
from zoo.regularizers.adversarial import adversarial_noise
from zoo.validation import check_choice, check_number


def loss_gradient(network, inputs, labels):
    """The gradient of each example's cross-entropy in its input, in prediction mode.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, preprocessed.
        labels: `(n,)` class indices.

    Returns:
        `(n, ...)`.
    """

    def losses(x):
        return keras.losses.sparse_categorical_crossentropy(labels, network(x, training=False), from_logits=True), ()

    linear = linearize(losses, ops.convert_to_tensor(inputs))
    return linear.vjp(ops.ones_like(linear.outputs))


def sign_noise(network, inputs, labels, tau, seed=None):
    """`x + τ·sign(∂L/∂x)`, the thesis's equation 42; the fast gradient sign method of Goodfellow et al. 2015.

    Args:
        network, inputs, labels: as for `loss_gradient`.
        tau: τ, at least 0, in units of the preprocessed input.
        seed: not used.
    """
    return inputs + tau * adversarial_noise(loss_gradient(network, inputs, labels), "sign")


def gaussian_sign_noise(network, inputs, labels, tau, seed=None):
    """`x + τ·sign(n)` with Gaussian n: noise of the same power as `sign_noise` that knows nothing of the network.

    Args:
        network, labels: not used.
        inputs: `(n, ...)`, preprocessed.
        tau: τ, at least 0, in units of the preprocessed input.
        seed: `keras.random.SeedGenerator`.
    """
    return inputs + tau * ops.sign(normal(inputs, seed))


ATTACKS = {"sign": sign_noise, "gaussian_sign": gaussian_sign_noise}
"""Every attack by its name: `(network, inputs, labels, tau, seed) -> perturbed inputs`."""


def attacked_error_percent(model, x, y, attack, tau, *, seed=0, batch_size=500):
    """Classification error under attack, in per cent.

    Args:
        model: `ObjectiveModel`; the noise is added behind its preprocessing.
        x: raw inputs, `(n, ...)`.
        y: `(n,)` class indices.
        attack: one of `ATTACKS`: `"sign"` or `"gaussian_sign"`.
        tau: τ, at least 0, in units of the preprocessed input.
        seed: of random noise.
        batch_size: inputs at a time.

    Returns:
        0 to 100.

    Raises:
        ValueError: an unknown attack, or τ out of range.
    """
    perturb = ATTACKS[check_choice("attack", attack, ATTACKS)]
    check_number("tau", tau, 0)
    generator = keras.random.SeedGenerator(seed)
    wrong = 0
    for start in range(0, len(x), batch_size):
        labels = y[start : start + batch_size].ravel()
        inputs, _ = model.prepare(ops.convert_to_tensor(x[start : start + batch_size]), training=False)
        scores = model.network(perturb(model.network, inputs, labels, tau, generator), training=False)
        wrong += int(np.sum(np.argmax(ops.convert_to_numpy(scores), axis=-1) != labels))
    return 100 * wrong / len(x)
