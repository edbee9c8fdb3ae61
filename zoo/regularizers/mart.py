"""MART: adversarial training that weighs misclassified examples."""

from typing import Any

import keras
from keras import ops

from zoo.regularizers.ball_attack import LossAttack
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.divergences import boosted_cross_entropy, categorical_kl_at_positions
from zoo.regularizers.math.per_example import over_positions
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class Mart(LossAttack):
    """MART: `J = L(x, y) + λ·(BCE(p(x'), y) + μ·KL[p(x) ‖ p(x')]·(1 − p_y(x)))`, x' from projected gradient descent.

    `BCE = −log p_y(x') − log(1 − max_{k≠y} p_k(x'))` is the cross-entropy, plus a penalty on the likeliest wrong class.
    The divergence counts most where the network misclassifies the clean input. The attack is that of
    `AdversarialTraining`: it ascends the loss inside a ball of radius ε about x, and x' is constant with respect to the
    weights. The gradient runs through p(x), p_y(x) and p(x'). MART needs labels of one class per example (or per
    position of dense outputs), and covers the labeled inputs only.

    Args:
        epsilon: ε, radius of the ball in units of the (preprocessed) input, at least 0.
        norm: norm of the ball, `"linf"` (default) or `"l2"`.
        num_steps: number of steps, at least 1.
        step_size: α, at least 0, in units of the input. None takes `min(1, 2.5/num_steps)·ε`, which reaches every point
            of the ball.
        random_start: whether the attack starts from a random point of the ball, and not from the input.
        input_range: `(low, high)` to which the perturbed inputs are clipped, or None.
        attack_mode: how the network runs during the attack, see `AdversarialTraining`.
        divergence_weight: μ, at least 0.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range or unknown; at the first batch, if the loss has no classes.

    Source: Wang, Zou, Yi, Bailey, Ma, Gu, 2020, "Improving adversarial robustness requires revisiting misclassified
    examples", ICLR, https://openreview.net/forum?id=rklOg6EFwS. The source leaves the clean loss out, and also
    treats unlabeled inputs. Its program attacks in prediction mode, from Gaussian noise of standard deviation 0.001.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.Mart(0.1, input_range=(0, 1)))
        >>> model.terms[0].num_steps, model.terms[0].divergence_weight
        (10, 5.0)
    """

    metric_name = "mart"

    def __init__(
        self,
        epsilon: float,
        *,
        norm: str = "linf",
        num_steps: int = 10,
        step_size: float | None = None,
        random_start: bool = True,
        input_range: tuple[float, float] | None = None,
        attack_mode: str = "training",
        divergence_weight: float = 5.0,
        **common: Any,
    ):
        super().__init__(
            epsilon,
            norm=norm,
            num_steps=num_steps,
            step_size=step_size,
            random_start=random_start,
            input_range=input_range,
            attack_mode=attack_mode,
            **common,
        )
        self.divergence_weight = check_number("divergence_weight", divergence_weight, 0)

    def at(self, clean_pass: CleanPass, perturbed: Tensor) -> Tensor:
        """`BCE(p(x'), y) + μ·KL[p(x) ‖ p(x')]·(1 − p_y(x))` of each labeled example, `(num_labeled,)`."""
        logits, clean = clean_pass.forward(perturbed), clean_pass.logits[: clean_pass.num_labeled]
        targets = ops.cast(clean_pass.targets, clean.dtype)
        missed = 1 - ops.sum(targets * ops.softmax(clean), axis=-1)
        divergence = categorical_kl_at_positions(clean, logits) * missed
        each = boosted_cross_entropy(logits, targets) + self.divergence_weight * divergence
        return over_positions(each, clean_pass.labeled_mask)
