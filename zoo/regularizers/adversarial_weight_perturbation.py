"""Adversarial weight perturbation, which includes sharpness-aware minimization."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.derivatives import gradients
from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.input_perturbation import InputPerturbation
from zoo.regularizers.math.kernels import is_kernel
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend

COMMON = ("weight", "ramp_up_steps", "interval")


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialWeightPerturbation(Regularizer):
    """Adversarial weight perturbation (AWP): `J = L(x, y; W) + λ·R(x', y; W + v)`, v the worst change of the weights.

    R is the penalty of another regularizer. For each kernel W, `v = γ·‖W‖·g/‖g‖`, with `g = ∂R/∂W`. R finds its
    perturbed inputs x' under the weights W, and keeps them under the weights `W + v`. x' and v are constant with
    respect to the weights. Biases and the parameters of normalizations do not move. Compared with the regularizer
    alone, a training step has one more forward and backward pass.

    Without a regularizer, R is `L(x, y; W + v) − L(x, y; W)`. With λ = 1 the objective is then the loss under the worst
    weights, as in sharpness-aware minimization (SAM). SAM bounds one norm over all weights. Here each kernel moves by
    the same share of its own norm.

    Args:
        regularizer: a regularizer that perturbs inputs: `AdversarialTraining`, `Trades`, `Mart` or
            `VirtualAdversarialTraining`. None perturbs the weights alone.
        gamma: γ, size of the change as a share of each kernel's norm, at least 0. The source takes 0.005 to 0.01.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`. By default those of the regularizer.

    Raises:
        TypeError: `regularizer` is not one of those above, or `gamma` is not a number.
        ValueError: an argument is out of range.

    Source: Wu, Xia, Wang, 2020, "Adversarial weight perturbation helps robust generalization",
    https://arxiv.org/abs/2004.05884. There the clean loss, if there is one, is also that under `W + v`. SAM: Foret,
    Kleiner, Mobahi, Neyshabur, 2021, "Sharpness-aware minimization for efficiently improving generalization",
    https://arxiv.org/abs/2010.01412.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> awp = zoo.AdversarialWeightPerturbation(zoo.Trades(0.1, input_range=(0, 1)), gamma=0.005)
        >>> model = zoo.RegularizedModel(network, awp)
        >>> model.terms[0].weight
        6.0
    """

    metric_name = "awp"

    def __init__(self, regularizer: InputPerturbation | None = None, *, gamma: float = 0.005, **common: Any):
        if regularizer is not None and not isinstance(regularizer, InputPerturbation):
            raise TypeError(
                "regularizer must be AdversarialTraining, Trades, Mart, VirtualAdversarialTraining or None, received "
                f"{regularizer!r}."
            )
        inherited = {} if regularizer is None else {name: getattr(regularizer, name) for name in COMMON}
        super().__init__(**{**inherited, **common})
        self.regularizer = regularizer
        self.gamma = check_number("gamma", gamma, 0)
        self.moves_inputs = regularizer is not None
        self.input_range = getattr(regularizer, "input_range", None)

    @property
    def needs_input_derivatives(self) -> bool:
        """Whether the regularizer needs products with the Jacobian of the logits in the input."""
        return self.regularizer is not None and bool(self.regularizer.needs_input_derivatives)

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """The penalty of each example under the worst weights, `(n,)` or `(num_labeled,)`."""
        penalty = self._penalty_at(clean_pass)
        kernels = [v for v in clean_pass.variables if v.trainable and is_kernel(v)]
        changes = self.weight_perturbation(clean_pass, kernels, penalty)
        worst = [(kernel, kernel.value + change) for kernel, change in zip(kernels, changes, strict=True)]
        return penalty(clean_pass.with_weights(worst))

    def weight_perturbation(
        self, clean_pass: CleanPass, kernels: Sequence[keras.Variable], penalty: Callable[[CleanPass], Tensor]
    ) -> list[Tensor]:
        """The change v of each kernel, constant with respect to the weights.

        Args:
            clean_pass: the `CleanPass` over the batch.
            kernels: the weights that move.
            penalty: the penalty of each example as a function of the pass.
        """
        values = [ops.stop_gradient(kernel.value) for kernel in kernels]

        def mean_penalty(*weights):
            return clean_pass.mean(penalty(clean_pass.with_weights(list(zip(kernels, weights, strict=True)))))

        slopes = [sum_over_replicas(ops.stop_gradient(each)) for each in gradients(mean_penalty, values)]
        directions = [adversarial_noise(each[None], "l2")[0] for each in slopes]
        return [self.gamma * ops.norm(w) * direction for w, direction in zip(values, directions, strict=True)]

    def _penalty_at(self, clean_pass):
        """The penalty as a function of the pass, with the perturbed inputs of this one."""
        if self.regularizer is None:
            clean = clean_pass.losses(clean_pass.logits[: clean_pass.num_labeled])
            return lambda other: other.losses(other.logits[: other.num_labeled]) - clean
        regularizer, perturbed = self.regularizer, self.regularizer.perturbed_inputs(clean_pass)
        return lambda other: regularizer.at(other, perturbed)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, with the regularizer serialized."""
        return {**super().get_config(), "regularizer": keras.saving.serialize_keras_object(self.regularizer)}
