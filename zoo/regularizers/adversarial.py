"""Adversarial training."""

import math

import keras
from keras import ops

from zoo.regularizers import per_example
from zoo.regularizers.base import Regularizer
from zoo.regularizers.input_range import check_input_range, clip_to_range
from zoo.validation import check_choice, check_number


def adversarial_noise(gradient, kind):
    """The noise δ made of a loss gradient g, per example.

    Args:
        gradient: g, `(n, ...)`.
        kind: `"gradient"`: `g` (the thesis's UDG); `"sign"`: `sign(g)`, unit L∞ norm (SGN); `"l2"`: `g/‖g‖`, unit L2
            norm (1N); `"scaled_l2"`: `√k·g/‖g‖` for k input entries, unit mean square (qN).

    Returns:
        δ, `(n, ...)`.

    Source: Maroñas Molano 2016 (thesis), the four kinds it compares.
    """
    if kind == "gradient":
        return gradient
    if kind == "sign":
        return ops.sign(gradient)
    scale = math.sqrt(math.prod(gradient.shape[1:])) if kind == "scaled_l2" else 1.0
    return scale * per_example.normalize(gradient)


NOISES = ("gradient", "sign", "l2", "scaled_l2")


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialTraining(Regularizer):
    """Adversarial training (AT): `J = L(x, y) + λ·L(x + ε·δ, y)`, δ constant with respect to the weights.

    It needs labels: in semi-supervised training it covers the labelled inputs alone, whose perturbed pass then draws
    dropout masks of its own.

    Args:
        epsilon: ε, size of the perturbation in units of the (preprocessed) input; at least 0.
        noise: kind of δ, see `adversarial_noise`: `"l2"` (default), `"sign"` for the L∞ variant, `"scaled_l2"`,
            `"gradient"`.
        input_range: `(low, high)`: the perturbed inputs are clipped to it; None leaves them as they are.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: ε negative, unknown noise, `input_range` not increasing.

    Source: Goodfellow et al. 2015; L2 form as compared in the VMT paper, equation 17.
    """

    metric_name = "at"
    needs_input_derivatives = True

    def __init__(self, epsilon, *, noise="l2", input_range=None, **common):
        super().__init__(**common)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.noise = check_choice("noise", noise, NOISES)
        self.input_range = check_input_range(input_range)

    def penalty(self, clean_pass):
        # δ is a constant: the weights' gradient does not run through the attack.
        gradient = ops.stop_gradient(clean_pass.loss_gradient)
        perturbed = clean_pass.labeled_inputs + self.epsilon * adversarial_noise(gradient, self.noise)
        logits = clean_pass.forward(clip_to_range(perturbed, self.input_range))
        return clean_pass.mean(clean_pass.losses(logits))
