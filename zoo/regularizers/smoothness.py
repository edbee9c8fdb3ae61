"""The smoothness penalty (pseudo-ensemble agreement)."""

from typing import Any

import keras

from zoo.backend.random_numbers import normal
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.divergences import DIVERGENCES as DISTANCES
from zoo.regularizers.math.worst_directions import power_iteration
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend

DIRECTIONS = ("random", "adversarial")
DIVERGENCES = ("squared", "kl")


@keras.saving.register_keras_serializable(package="zoo")
class Smoothness(Regularizer):
    """Smoothness penalty: `J = L(x, y) + λ·E‖h(x) − h(x + Δx)‖²` on the logits h. It needs no labels.

    Both terms of the difference depend on the weights. As ε → 0 the penalty tends to `ε²·‖J‖_F²` (random Δx) or
    `ε²·λ_max(JᵀJ)` (adversarial Δx), with J the Jacobian of the logits in the input.

    Args:
        epsilon: ε, in units of the (preprocessed) input, at least 0: the standard deviation of each entry of the random
            `Δx ~ N(0, ε²I)`, or the L2 norm of the adversarial Δx.
        direction: `"random"` (default), or `"adversarial"`: Δx maximizes the first-order distance over `‖Δx‖ ≤ ε`.
        divergence: `"squared"` distance of the logits (default), or `"kl"`: `KL[p(x) ‖ p(x + Δx)]`.
        num_power_iterations: number of power iterations that find the adversarial direction, at least 0.
        **common: `weight` λ (α in the papers), `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range or unknown.

    Source: Bachman, Alsharif, Precup, 2014, "Learning with pseudo-ensembles", https://arxiv.org/abs/1412.4864. The
    adversarial form and the limits: Abbas, Kivinen, Raiko, 2016, "Understanding regularization by virtual adversarial
    training, ladder networks and others", section 3. The KL form is suggested there as future work.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([3.0, 1.0]))
        >>> smoothness = zoo.Smoothness(0.1, direction="adversarial", num_power_iterations=20)
        >>> zoo.analysis.penalty_values(network, np.ones((1, 2)), smoothness).round(6)
        array([0.09])
    """

    metric_name = "smoothness"

    def __init__(
        self,
        epsilon: float,
        *,
        direction: str = "random",
        divergence: str = "squared",
        num_power_iterations: int = 1,
        **common: Any,
    ):
        super().__init__(**common)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.direction = check_choice("direction", direction, DIRECTIONS)
        self.divergence = check_choice("divergence", divergence, DIVERGENCES)
        self.num_power_iterations = check_number("num_power_iterations", num_power_iterations, 0, integer=True)

    @property
    def needs_input_derivatives(self) -> bool:
        """Whether the direction comes from power iterations."""
        return self.direction == "adversarial" and self.num_power_iterations > 0

    def perturbation(self, clean_pass: CleanPass) -> Tensor:
        """Δx, `(n, ...)`, constant with respect to the weights."""
        inputs = clean_pass.inputs
        if self.direction == "random":
            return self.epsilon * normal(inputs, clean_pass.seed)
        start = clean_pass.random_direction()
        return self.epsilon * power_iteration(
            clean_pass, start, self._distribution_at(clean_pass), self.num_power_iterations
        )

    def _distribution_at(self, clean_pass):
        return clean_pass.distribution if self.divergence == "kl" else "gaussian"

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """The divergence between the predictions at x and at x + Δx, `(n,)`."""
        logits = clean_pass.forward(clean_pass.inputs + self.perturbation(clean_pass))
        return DISTANCES[self._distribution_at(clean_pass)](clean_pass.logits, logits, clean_pass.mask)
