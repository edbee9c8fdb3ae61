"""Virtual adversarial training and entropy minimization."""

import keras
from keras import ops

from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import categorical_kl, squared_distance
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import finite_difference_iteration, power_iteration
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_choice, check_number

DIRECTIONS = ("adversarial", "random")
DISTRIBUTIONS = ("categorical", "gaussian")


@keras.saving.register_keras_serializable(package="zoo")
class VirtualAdversarialTraining(Regularizer):
    """Virtual adversarial training (VAT): `J = L(x, y) + λ·KL[p(x) ‖ p(x + r)]`, `r = ε·d`, `‖d‖ = 1`.

    d is the direction of steepest growth of the divergence, found by K power iterations from a random direction;
    p(x) and r are constant with respect to the weights. It needs no labels: in semi-supervised training it covers
    labeled and unlabeled inputs.

    Args:
        epsilon: ε, L2 norm of the perturbation in units of the (preprocessed) input; at least 0.
        num_power_iterations: K, at least 0; 0 leaves the random direction.
        xi: ξ, the step of the published finite-difference iteration, above 0; None (default) takes its exact limit of
            small steps, a Hessian-vector product, at the same cost and in any precision.
        distribution: of the outputs: `"categorical"` (softmax of the logits), or `"gaussian"` for regression, where
            the divergence is `‖h − h̃‖²/(2σ²)`.
        output_std: σ of the Gaussian outputs, above 0.
        direction: `"adversarial"`, or `"random"` for random perturbation training (RPT), which skips the iterations.
        input_range: `(low, high)`: the perturbed inputs are clipped to it; None leaves them as they are.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: an argument out of its range, or at the first batch a ξ too small for the network's precision.

    Source: Miyato et al. 2016 (arXiv:1507.00677); differs in its default by the exact iteration.
    """

    metric_name = "vat"

    def __init__(
        self,
        epsilon,
        *,
        num_power_iterations=1,
        xi=None,
        distribution="categorical",
        output_std=1.0,
        direction="adversarial",
        input_range=None,
        **common,
    ):
        super().__init__(**common)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.num_power_iterations = check_number("num_power_iterations", num_power_iterations, 0, integer=True)
        self.xi = xi if xi is None else check_number("xi", xi, above=0)
        self.distribution = check_choice("distribution", distribution, DISTRIBUTIONS)
        self.output_std = check_number("output_std", output_std, above=0)
        self.direction = check_choice("direction", direction, DIRECTIONS)
        self.input_range = check_input_range(input_range)

    @property
    def needs_input_derivatives(self):
        return self.direction == "adversarial" and self.xi is None and self.num_power_iterations > 0

    def perturbation(self, clean_pass, direction):
        """`r = ε·d` after K iterations from the unit vectors `direction`; constant with respect to the weights."""
        if self.direction == "adversarial":
            arguments = (clean_pass, direction, self.distribution, self.num_power_iterations)
            if self.xi is None:
                direction = power_iteration(*arguments)
            else:
                direction = finite_difference_iteration(*arguments, self.xi)
        return self.epsilon * direction

    def divergence(self, outputs, perturbed_outputs):
        """The divergence of each example's prediction, `(n, k), (n, k) -> (n,)`."""
        if self.distribution == "categorical":
            return categorical_kl(outputs, perturbed_outputs)
        return squared_distance(outputs, perturbed_outputs) / (2 * self.output_std**2)

    def per_example(self, clean_pass):
        start = per_example.random_direction(clean_pass.inputs, clean_pass.seed)
        perturbed = clean_pass.inputs + self.perturbation(clean_pass, start)
        logits = clean_pass.forward(clip_to_range(perturbed, self.input_range))
        # p(x) is the target, not a variable: only the perturbed prediction moves towards it.
        return self.divergence(ops.stop_gradient(clean_pass.logits), logits)
