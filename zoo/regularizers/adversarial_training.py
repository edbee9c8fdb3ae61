"""Adversarial training."""

from typing import Any

import keras
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math import per_example
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import NOISES, adversarial_noise
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialTraining(Regularizer):
    """Adversarial training (AT): `J = L(x, y) + λ·L(x + ε·δ, y)`, with δ constant with respect to the weights.

    AT needs labels. In semi-supervised training it covers only the labeled inputs, and their perturbed pass draws its
    own dropout masks.

    Args:
        epsilon: ε, size of the perturbation in units of the (preprocessed) input, at least 0.
        noise: kind of δ, see `adversarial_noise`: `"l2"` (default), `"sign"` for the L∞ variant, `"scaled_l2"` or
            `"gradient"`.
        input_range: `(low, high)` to which the perturbed inputs are clipped, or None.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: `epsilon` is not a number.
        ValueError: `epsilon` is negative, `noise` is unknown, or `input_range` is not an increasing pair.

    Source: Goodfellow, Shlens, Szegedy, 2015, "Explaining and harnessing adversarial examples",
    https://arxiv.org/abs/1412.6572. The L2 form is equation 17 of "Regularization neural networks via constrained
    virtual movement field", anonymous submission to ICLR 2018.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.AdversarialTraining(epsilon=0.25, noise="sign", weight=0.5))
        >>> model.terms
        (AdversarialTraining(epsilon=0.25, noise='sign', input_range=None, weight=0.5, ramp_up_steps=0, interval=1),)
    """

    metric_name = "at"
    needs_input_derivatives = True

    def __init__(
        self, epsilon: float, *, noise: str = "l2", input_range: tuple[float, float] | None = None, **common: Any
    ):
        super().__init__(**common)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.noise = check_choice("noise", noise, NOISES)
        self.input_range = check_input_range(input_range)

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """`L(x + ε·δ, y)` of each labeled example, `(num_labeled,)`."""
        # δ is a constant: the weights' gradient does not run through the attack.
        gradient = ops.stop_gradient(clean_pass.loss_gradient)
        noise = adversarial_noise(gradient, self.noise)
        if self.noise == "scaled_l2" and clean_pass.moved is not None:
            share = ops.mean(per_example.flatten(clean_pass.moved[: clean_pass.num_labeled]), axis=-1)
            noise = noise * per_example.expand(ops.sqrt(share), noise)  # mean square 1 over the entries that move
        perturbed = clean_pass.labeled_inputs + self.epsilon * noise
        logits = clean_pass.forward(clip_to_range(perturbed, self.input_range))
        return clean_pass.losses(logits)
