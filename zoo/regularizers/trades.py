"""TRADES."""

from typing import Any

import keras
from keras import ops

from zoo.regularizers.ball_attack import BallAttack
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.divergences import DIVERGENCES
from zoo.regularizers.math.worst_directions import power_iteration

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class Trades(BallAttack):
    """TRADES: `J = L(x, y) + λ·KL[p(x) ‖ p(x')]`, x' the worst input in a ball about x.

    K steps of projected gradient ascent on the divergence find x': `x' ← Π(x' + α·δ)`, with `δ = sign(g)` (L∞) or
    `δ = g/‖g‖` (L2). x' is constant with respect to the weights. The gradient runs through both predictions, p(x) and
    p(x'). TRADES needs no labels: in semi-supervised training it covers labeled and unlabeled inputs. The passes of
    the attack never update moving averages. By default they use the batch statistics of their own inputs, see
    `attack_mode`.

    `VirtualAdversarialTraining` differs in three points. Its perturbation has an L2 norm of exactly ε; here it may lie
    anywhere in a ball in L∞ or L2. Its iterations all stay at x, and are exact for small ε; here each step takes the
    gradient of the divergence where the last one ended. Its p(x) is a constant target; here p(x) also moves towards
    p(x'). With one step in L2 both have the same value, but not the same gradient in the weights.

    Args:
        epsilon: ε, radius of the ball in units of the (preprocessed) input, at least 0.
        norm: norm of the ball, `"linf"` (default) or `"l2"`.
        num_steps: K, number of steps, at least 1.
        step_size: α, at least 0, in units of the input. None takes `min(1, 2.5/num_steps)·ε`, which reaches every point
            of the ball.
        input_range: `(low, high)` to which the perturbed inputs are clipped, or None.
        attack_mode: how the network runs during the attack: `"training"` (default) or `"prediction"`, as in the source,
            see `AdversarialTraining`.
        weight: λ, at least 0. The source calls it 1/λ and takes 6.
        **common: `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range or unknown.

    Source: Zhang, Yu, Jiao, Xing, El Ghaoui, Jordan, 2019, "Theoretically principled trade-off between robustness and
    accuracy", https://arxiv.org/abs/1901.08573. There the attack starts from a small random perturbation. Here the
    first step is the limit of small perturbations, computed exactly as in VAT, because half precision would lose them.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.Trades(0.1, norm="linf", input_range=(0, 1)))
        >>> model.terms[0].weight
        6.0
    """

    metric_name = "trades"

    def __init__(
        self,
        epsilon: float,
        *,
        norm: str = "linf",
        num_steps: int = 10,
        step_size: float | None = None,
        input_range: tuple[float, float] | None = None,
        attack_mode: str = "training",
        weight: float = 6.0,
        **common: Any,
    ):
        super().__init__(
            epsilon,
            norm=norm,
            num_steps=num_steps,
            step_size=step_size,
            input_range=input_range,
            attack_mode=attack_mode,
            weight=weight,
            **common,
        )

    @property
    def needs_input_derivatives(self) -> bool:
        """Whether the attack begins with the linearization of the clean pass."""
        return self.attack_mode == "training"

    def perturbed_inputs(self, clean_pass: CleanPass) -> Tensor:
        """The worst inputs x', `(n, ...)`, constant with respect to the weights.

        Args:
            clean_pass: the `CleanPass` over the batch.
        """
        inputs = clean_pass.inputs
        # The divergence has no gradient at x itself. Near x its gradient is a Hessian-vector product.
        attacked = clean_pass if self.attack_mode == "training" else clean_pass.linearized_at(inputs, self.attack_mode)
        direction = power_iteration(attacked, clean_pass.random_direction(), clean_pass.distribution, 1)
        target = ops.stop_gradient(attacked.logits)

        def divergence(logits):
            return DIVERGENCES[clean_pass.distribution](target, logits, clean_pass.mask)

        def gradient(x):
            return clean_pass.linearized_at(x, self.attack_mode).gradient_of(divergence)

        return self.ascend(gradient, self.first_step(direction), inputs, taken=1)

    def at(self, clean_pass: CleanPass, perturbed: Tensor) -> Tensor:
        """`KL[p(x) ‖ p(x')]` of each example, `(n,)`."""
        return DIVERGENCES[clean_pass.distribution](clean_pass.logits, clean_pass.forward(perturbed), clean_pass.mask)
