"""Adversarial weight perturbation, which includes sharpness-aware minimization."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.derivatives import gradients
from zoo.backend.replicas import sum_over_replicas
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.input_perturbation import InputPerturbation
from zoo.regularizers.math import per_example
from zoo.regularizers.math.kernels import trainable_kernels
from zoo.regularizers.regularizer import COMMON, Regularizer
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend

SCALE = 1024.0  # of the penalty, whose gradient would underflow in float16. The direction does not depend on it.


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialWeightPerturbation(Regularizer):
    """Adversarial weight perturbation (AWP): `J = L(x, y; W) + λ·R(x', y; W + v)`, v the worst change of the weights.

    R is the penalty of another regularizer. For each kernel W, `v = γ·‖W‖·g/‖g‖`, with `g = ∂R/∂W`. R finds its
    perturbed inputs x' at W. The same x' is used at `W + v`. x' and v are constant with respect to the weights. Kernels
    are the trainable weights with at least two axes, embeddings included; biases and the parameters of normalizations
    do not move. A training step evaluates R at W, for g, and at `W + v`, and attacks the inputs once.

    Without a regularizer, R is `L(x, y; W + v) − L(x, y; W)`. With λ = 1 and interval 1 the objective is then the loss
    under the worst weights, as in sharpness-aware minimization (SAM). SAM bounds one norm over all weights. Here each
    kernel moves by the same share of its own norm.

    Args:
        regularizer: an `InputPerturbation`: `AdversarialTraining`, `Trades`, `Mart` or `VirtualAdversarialTraining`.
            None perturbs the weights alone.
        gamma: γ, size of the change as a share of each kernel's norm, at least 0. The source takes 0.005 to 0.01.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`. They replace those of the regularizer,
            which are the default. `ramp_up_steps` lets λ grow, not γ.

    Raises:
        TypeError: `regularizer` is not an `InputPerturbation`, or `gamma` is not a number.
        ValueError: an argument is out of range.

    Source: Wu, Xia, Wang, 2020, "Adversarial weight perturbation helps robust generalization",
    https://arxiv.org/abs/2004.05884. The paper also evaluates the clean loss at `W + v`. SAM: Foret, Kleiner,
    Mobahi, Neyshabur, 2021, "Sharpness-aware minimization for efficiently improving generalization",
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
                f"regularizer must be an InputPerturbation, such as zoo.Trades, or None, received {regularizer!r}."
            )
        inherited = {} if regularizer is None else {name: getattr(regularizer, name) for name in COMMON}
        super().__init__(**{**inherited, **common})
        self.regularizer = regularizer
        self.gamma = check_number("gamma", gamma, 0)
        self.moves_inputs = regularizer is not None
        self.needs_lattice = getattr(regularizer, "needs_lattice", False)
        self.input_range = getattr(regularizer, "input_range", None)

    @property
    def needs_input_derivatives(self) -> bool:
        """Whether the regularizer needs products with the Jacobian of the logits in the input."""
        return self.regularizer is not None and bool(self.regularizer.needs_input_derivatives)

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """The penalty of each example under the worst weights, `(n,)` or `(num_labeled,)`."""
        penalty = self._penalty_at(clean_pass)
        kernels = trainable_kernels(clean_pass.variables)
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
            return SCALE * clean_pass.mean(penalty(clean_pass.with_weights(list(zip(kernels, weights, strict=True)))))

        changes = []
        for value, slope in zip(values, gradients(mean_penalty, values), strict=True):
            direction = per_example.normalize(sum_over_replicas(ops.stop_gradient(slope))[None])[0]
            changes.append(self.gamma * ops.sqrt(ops.sum(ops.square(value))) * direction)
        return changes

    def _penalty_at(self, clean_pass):
        """The penalty as a function of the pass, with the perturbed inputs of this one."""
        if self.regularizer is None:
            return lambda other: other.labeled_losses - clean_pass.labeled_losses
        regularizer, perturbed = self.regularizer, self.regularizer.perturbed_inputs(clean_pass)
        return lambda other: regularizer.at(other, perturbed)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, with the regularizer serialized."""
        return {**super().get_config(), "regularizer": keras.saving.serialize_keras_object(self.regularizer)}
