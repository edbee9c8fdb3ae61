"""Adversarial training."""

import keras
from keras import ops

from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import NOISES, adversarial_noise
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_choice, check_number


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialTraining(Regularizer):
    """Adversarial training (AT): `J = L(x, y) + λ·L(x + ε·δ, y)`, δ constant with respect to the weights.

    It needs labels: in semi-supervised training it covers the labeled inputs alone, whose perturbed pass then draws
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

    def per_example(self, clean_pass):
        # δ is a constant: the weights' gradient does not run through the attack.
        gradient = ops.stop_gradient(clean_pass.loss_gradient)
        perturbed = clean_pass.labeled_inputs + self.epsilon * adversarial_noise(gradient, self.noise)
        logits = clean_pass.forward(clip_to_range(perturbed, self.input_range))
        return clean_pass.losses(logits)
