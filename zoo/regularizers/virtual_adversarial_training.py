"""Virtual adversarial training."""

from typing import Any

import keras
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.input_perturbation import InputPerturbation
from zoo.regularizers.math.divergences import DIVERGENCES
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import finite_difference_iteration, power_iteration
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend

DIRECTIONS = ("adversarial", "random")
DISTRIBUTIONS = ("categorical", "gaussian")


@keras.saving.register_keras_serializable(package="zoo")
class VirtualAdversarialTraining(InputPerturbation):
    """Virtual adversarial training (VAT): `J = L(x, y) + λ·KL[p(x) ‖ p(x + r)]`, `r = ε·d`, `‖d‖ = 1`.

    d is the direction in which the divergence grows fastest. K power iterations find it from a random direction. p(x)
    and r are constant with respect to the weights. VAT needs no labels: in semi-supervised training it covers labeled
    and unlabeled inputs.

    Args:
        epsilon: ε, L2 norm of the perturbation in units of the (preprocessed) input, at least 0.
        num_power_iterations: K, at least 0. With 0 the direction stays random.
        xi: ξ, step of the published finite-difference iteration in units of the input, above 0. None (default) computes
            the limit of small steps exactly, as a Hessian-vector product, at the same cost and in any precision.
        distribution: distribution of the outputs: `"categorical"` (softmax of the logits; of a multi-label network the
            sigmoid of each), or `"gaussian"` for regression, with the divergence `‖h − h̃‖²/(2σ²)`.
        output_std: σ of Gaussian outputs, above 0.
        direction: `"adversarial"`, or `"random"` for random perturbation training (RPT), which skips the iterations.
        input_range: `(low, high)` to which the perturbed inputs are clipped, or None.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range or unknown; at the first batch, if ξ is too small for the precision of
            the network.

    Source: Miyato, Maeda, Koyama, Nakae, Ishii, 2016, "Distributional smoothing with virtual adversarial training",
    https://arxiv.org/abs/1507.00677. The default iteration is exact instead of a finite difference.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.VirtualAdversarialTraining(epsilon=2.0))
        >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> [metric.name for metric in model.penalty_metrics]
        ['vat']
    """

    metric_name = "vat"

    def __init__(
        self,
        epsilon: float,
        *,
        num_power_iterations: int = 1,
        xi: float | None = None,
        distribution: str = "categorical",
        output_std: float = 1.0,
        direction: str = "adversarial",
        input_range: tuple[float, float] | None = None,
        **common: Any,
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
    def needs_input_derivatives(self) -> bool:
        """Whether the direction comes from exact power iterations."""
        return self.direction == "adversarial" and self.xi is None and self.num_power_iterations > 0

    def perturbation(self, clean_pass: CleanPass, direction: Tensor) -> Tensor:
        """`r = ε·d` after K iterations, constant with respect to the weights.

        Args:
            clean_pass: the `CleanPass` over the batch.
            direction: unit vectors `(n, ...)` from which the iterations start.

        Returns:
            r, `(n, ...)`.
        """
        if self.direction == "adversarial":
            arguments = (clean_pass, direction, self._distribution_at(clean_pass), self.num_power_iterations)
            if self.xi is None:
                direction = power_iteration(*arguments)
            else:
                direction = finite_difference_iteration(*arguments, self.xi)
        return self.epsilon * direction

    def _distribution_at(self, clean_pass):
        return clean_pass.distribution if self.distribution == "categorical" else self.distribution

    def perturbed_inputs(self, clean_pass: CleanPass) -> Tensor:
        """`x + r`, clipped to the range of inputs, `(n, ...)`.

        Args:
            clean_pass: the `CleanPass` over the batch.
        """
        perturbation = self.perturbation(clean_pass, clean_pass.random_direction())
        return clip_to_range(clean_pass.inputs + perturbation, self.input_range)

    def at(self, clean_pass: CleanPass, perturbed: Tensor) -> Tensor:
        """`KL[p(x) ‖ p(x + r)]` of each example, `(n,)`."""
        logits = clean_pass.forward(perturbed)
        # p(x) is the target, not a variable: only the perturbed prediction moves towards it.
        distribution = self._distribution_at(clean_pass)
        divergence = DIVERGENCES[distribution](ops.stop_gradient(clean_pass.logits), logits, clean_pass.mask)
        return divergence / (2 * self.output_std**2) if distribution == "gaussian" else divergence
