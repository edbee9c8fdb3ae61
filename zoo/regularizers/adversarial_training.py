"""Adversarial training."""

from typing import Any

import keras
from keras import ops

from zoo.backend.moments import mean
from zoo.regularizers.ball_attack import LossAttack
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math import per_example
from zoo.regularizers.math.worst_directions import NOISES
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialTraining(LossAttack):
    """Adversarial training (AT): `J = L(x, y) + λ·L(x', y)`, x' constant with respect to the weights.

    One step (default): `x' = x + ε·δ`, with `δ = sign(g)` (L∞) or `δ = g/‖g‖` (L2), where g is the gradient of the loss
    in the input. Several steps: projected gradient descent (PGD), `x' ← Π(x' + α·δ)`, with g at x' and the projection Π
    to the ball of radius ε about x. Each further step costs one forward and one backward pass. A single step in L∞ can
    collapse within an epoch: the network then resists that step and no other attack. `zoo.analysis.AttackedError` shows
    it.

    AT needs labels. In semi-supervised training it covers only the labeled inputs, and their perturbed passes draw
    their own dropout masks. The passes of the attack never update moving averages. By default they use the batch
    statistics of their own inputs, see `attack_mode`.

    Args:
        epsilon: ε, radius of the ball in units of the (preprocessed) input, at least 0.
        norm: norm of the ball, `"l2"` (default) or `"linf"`.
        noise: kind of δ, in place of `norm`, see `adversarial_noise`: `"l2"`, `"sign"`, `"scaled_l2"` or `"gradient"`.
            It takes one step of `ε·δ`.
        num_steps: number of steps, at least 1.
        step_size: α, at least 0, in units of the input. None takes `min(1, 2.5/num_steps)·ε`, which reaches every point
            of the ball.
        random_start: whether the attack starts from a random point of the ball, and not from the input.
        input_range: `(low, high)` to which the perturbed inputs are clipped, or None.
        attack_mode: how the network runs during the attack: `"training"` (default; batch statistics and dropout) or
            `"prediction"` (moving averages, no dropout). The penalty itself is always computed in training mode. If a
            layer's outputs move, they are those of training mode.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range or unknown, or `noise` comes with `norm`, several steps, a step size or
            a random start.

    Source: Goodfellow, Shlens, Szegedy, 2015, "Explaining and harnessing adversarial examples",
    https://arxiv.org/abs/1412.6572. Several steps: Madry, Makelov, Schmidt, Tsipras, Vladu, 2018, "Towards deep
    learning models resistant to adversarial attacks", https://arxiv.org/abs/1706.06083. One step from a random start,
    with `step_size=1.25 * epsilon`: Wong, Rice, Kolter, 2020, "Fast is better than free",
    https://arxiv.org/abs/2001.03994. The last two leave the clean loss out. The L2 form is equation 17 of
    "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> pgd = zoo.AdversarialTraining(0.1, norm="linf", num_steps=10, random_start=True, input_range=(0, 1))
        >>> model = zoo.RegularizedModel(network, pgd)
        >>> model.terms[0].num_steps
        10
    """

    metric_name = "at"

    def __init__(
        self,
        epsilon: float,
        *,
        norm: str | None = None,
        noise: str | None = None,
        num_steps: int = 1,
        step_size: float | None = None,
        random_start: bool = False,
        input_range: tuple[float, float] | None = None,
        attack_mode: str = "training",
        **common: Any,
    ):
        super().__init__(
            epsilon,
            norm="l2" if norm is None else norm,
            num_steps=num_steps,
            step_size=step_size,
            random_start=random_start,
            input_range=input_range,
            attack_mode=attack_mode,
            **common,
        )
        self.noise = noise
        if noise is not None:
            self.norm = norm  # None: the noise takes its place
            check_choice("noise", noise, NOISES)
            self._check_plain_step()

    def _check_plain_step(self):
        given = {"norm": None, "num_steps": 1, "step_size": None, "random_start": False}
        for name, default in given.items():
            if (value := getattr(self, name)) != default:
                raise ValueError(
                    f"noise={self.noise!r} takes one step from the input, so {name} must be {default}, received "
                    f'{value!r}. Pass norm="l2" or norm="linf" instead of noise.'
                )

    def first_step(self, gradient: Tensor, kind: str | None = None) -> Tensor:
        """As `BallAttack.first_step`, with the noise of AT if it has one."""
        return super().first_step(gradient, kind or self.noise)

    def without_padding(self, perturbation: Tensor, moved: Tensor) -> Tensor:
        """As `LossAttack.without_padding`. Noise `"scaled_l2"` has mean square 1 over the entries that move."""
        perturbation = super().without_padding(perturbation, moved)
        if self.noise != "scaled_l2":
            return perturbation
        share = mean(per_example.flatten(moved), axis=-1)
        return per_example.expand(ops.sqrt(share), moved) * perturbation

    def at(self, clean_pass: CleanPass, perturbed: Tensor) -> Tensor:
        """`L(x', y)` of each labeled example, `(num_labeled,)`."""
        return clean_pass.losses(clean_pass.forward(perturbed))
