"""The base of regularizers that attack inputs inside a ball."""

from collections.abc import Callable
from typing import Any

from keras import ops

from zoo.regularizers.clean_pass import MODES, CleanPass
from zoo.regularizers.input_perturbation import InputPerturbation
from zoo.regularizers.math.balls import STEEPEST, draw_from_ball
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.projected_ascent import projected_ascent, step_length
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend


class BallAttack(InputPerturbation):
    """A penalty at the worst input in a ball around each input. Projected gradient ascent finds it.

    Args:
        epsilon: ε, radius of the ball in units of the (preprocessed) input, at least 0.
        norm: norm of the ball, `"l2"` or `"linf"`.
        num_steps: number of steps, at least 1.
        step_size: α, at least 0, in units of the input; or None, see `step_length`.
        input_range: `(low, high)` to which the perturbed inputs are clipped, or None.
        attack_mode: how the network runs during the attack, `"training"` or `"prediction"`.
        **common: `weight`, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range or unknown.

    Example:
        >>> attack = zoo.AdversarialTraining(0.5, norm="linf", num_steps=5)
        >>> np.asarray(attack.first_step(np.array([[3.0, -4.0]])))
        array([[ 0.25, -0.25]])
    """

    def __init__(
        self,
        epsilon: float,
        *,
        norm: str,
        num_steps: int,
        step_size: float | None,
        input_range: tuple[float, float] | None,
        attack_mode: str,
        **common: Any,
    ):
        super().__init__(**common)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.norm: Any = check_choice("norm", norm, STEEPEST)
        self.num_steps = check_number("num_steps", num_steps, 1, integer=True)
        self.step_size = step_size if step_size is None else check_number("step_size", step_size, 0)
        self.input_range = check_input_range(input_range)
        self.attack_mode = check_choice("attack_mode", attack_mode, MODES)

    def first_step(self, gradient: Tensor, kind: str | None = None) -> Tensor:
        """The perturbation after a step from the center of the ball, `(n, ...)`.

        Args:
            gradient: at the center, `(n, ...)`.
            kind: see `adversarial_noise`. None takes steepest ascent in the norm of the ball.
        """
        # A step from the center has length min(α, ε), so it needs no projection.
        return min(self._step, self.epsilon) * adversarial_noise(gradient, kind or STEEPEST[self.norm])

    def ascend(self, gradient: Callable[[Tensor], Tensor], perturbation: Tensor, inputs: Tensor, taken: int) -> Tensor:
        """The perturbed inputs after the remaining steps, `(n, ...)`.

        Args:
            gradient: `x -> g`, `(n, ...) -> (n, ...)`.
            perturbation: where the ascent begins, `(n, ...)`.
            inputs: centers of the balls, `(n, ...)`.
            taken: number of steps that the perturbation has taken already.
        """
        return projected_ascent(
            gradient,
            clip_to_range(inputs + perturbation, self.input_range),
            inputs,
            epsilon=self.epsilon,
            norm=self.norm,
            num_steps=self.num_steps - taken,
            step_size=self._step,
            input_range=self.input_range,
        )

    @property
    def _step(self):
        return step_length(self.step_size, self.epsilon, self.num_steps)


class LossAttack(BallAttack):
    """A penalty at the input of largest loss in a ball around each labeled input.

    Args:
        epsilon: ε, radius of the ball in units of the (preprocessed) input, at least 0.
        random_start: whether the attack starts from a random point of the ball, and not from the input.
        **ball: the other arguments of `BallAttack`.

    Example:
        >>> zoo.AdversarialTraining(0.5).needs_input_derivatives, zoo.Mart(0.5).needs_input_derivatives
        (True, False)
    """

    def __init__(self, epsilon: float, *, random_start: bool, **ball: Any):
        super().__init__(epsilon, **ball)
        self.random_start = random_start

    @property
    def needs_input_derivatives(self) -> bool:
        """Whether the attack begins with the gradient of the clean pass."""
        return not self.random_start and self.attack_mode == "training"

    def perturbed_inputs(self, clean_pass: CleanPass) -> Tensor:
        """The attacked labeled inputs x', `(num_labeled, ...)`, constant with respect to the weights.

        Args:
            clean_pass: the `CleanPass` over the batch.
        """
        inputs = clean_pass.labeled_inputs
        moved = None if clean_pass.moved is None else clean_pass.moved[: clean_pass.num_labeled]
        if self.random_start:
            perturbation = draw_from_ball(inputs, self.epsilon, self.norm, clean_pass.seed, moved)
        else:
            # In training mode the clean pass already has the gradient at the input.
            first = clean_pass if self.attack_mode == "training" else clean_pass.linearized_at(inputs, self.attack_mode)
            perturbation = self.first_step(ops.stop_gradient(first.loss_gradient))
        if moved is not None:
            perturbation = self.without_padding(perturbation, moved)

        def gradient(x):
            return clean_pass.linearized_at(x, self.attack_mode).loss_gradient

        return self.ascend(gradient, perturbation, inputs, taken=0 if self.random_start else 1)

    def without_padding(self, perturbation: Tensor, moved: Tensor) -> Tensor:
        """The perturbation of the entries that move.

        Args:
            perturbation: `(num_labeled, ...)`.
            moved: 1 at the entries that move and 0 at padding, `(num_labeled, ...)`.
        """
        return moved * perturbation
