"""The smoothness penalty (pseudo-ensemble agreement) and the Jacobian penalty that is its limit."""

import keras

from zoo.backend.random_numbers import normal
from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import categorical_kl, squared_distance
from zoo.regularizers.math.worst_directions import power_iteration
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_choice, check_number

DIRECTIONS = ("random", "adversarial")
DIVERGENCES = ("squared", "kl")


@keras.saving.register_keras_serializable(package="zoo")
class Smoothness(Regularizer):
    """Smoothness penalty: `J = L(x, y) + λ·E‖f(x) − f(x + Δx)‖²` on the logits, both of them variable.

    It needs no labels. As ε → 0 it tends to `ε²·‖J‖_F²` (random) or `ε²·λ_max(JᵀJ)` (adversarial).

    Args:
        epsilon: ε, in units of the (preprocessed) input, at least 0: standard deviation of each entry of
            `Δx ~ N(0, ε²I)`, or L2 norm of the adversarial Δx.
        direction: `"random"` (default) or `"adversarial"`: `argmax_{‖Δx‖ ≤ ε}` of the first-order distance.
        divergence: `"squared"` distance of the logits (default), or `"kl"`: `KL[p(x) ‖ p(x + Δx)]`.
        num_power_iterations: of the adversarial direction, at least 0.
        **common: `weight` (the papers' α), `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: an argument out of its range.

    Source: Bachman et al. 2014; adversarial form and limits in Abbas, Kivinen and Raiko 2016, section 3. The KL form
    is that note's future work.
    """

    metric_name = "smoothness"

    def __init__(self, epsilon, *, direction="random", divergence="squared", num_power_iterations=1, **common):
        super().__init__(**common)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.direction = check_choice("direction", direction, DIRECTIONS)
        self.divergence = check_choice("divergence", divergence, DIVERGENCES)
        self.num_power_iterations = check_number("num_power_iterations", num_power_iterations, 0, integer=True)

    @property
    def needs_input_derivatives(self):
        return self.direction == "adversarial" and self.num_power_iterations > 0

    def perturbation(self, clean_pass):
        """Δx of shape `(n, ...)`, constant with respect to the weights."""
        inputs = clean_pass.inputs
        if self.direction == "random":
            noise = normal(inputs, clean_pass.seed)
            return self.epsilon * noise
        start = per_example.random_direction(inputs, clean_pass.seed)
        distribution = "categorical" if self.divergence == "kl" else "gaussian"
        return self.epsilon * power_iteration(clean_pass, start, distribution, self.num_power_iterations)

    def per_example(self, clean_pass):
        logits = clean_pass.forward(clean_pass.inputs + self.perturbation(clean_pass))
        distance = categorical_kl if self.divergence == "kl" else squared_distance
        return distance(clean_pass.logits, logits)
