"""A bound on the norm of the weights, by a Lagrange multiplier."""

from typing import Any

import keras
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.kernels import trainable_kernels
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class NormConstraint(Regularizer):
    """A bound on the squared norm of all kernels: `min over W, max over α ≥ 0 of L(x, y; W) + α·(‖W‖² − k)`.

    The multiplier α starts at 0. After every step `α ← max(0, α + η·(‖W‖²/k − 1))`: it grows while the norm exceeds the
    bound and shrinks otherwise. At the end, either the bound holds with equality, or α is 0 and the penalty is gone.
    `keras.regularizers.L2` is the same penalty with a fixed α, and `keras.constraints.MaxNorm` bounds each unit by a
    projection. The metric `norm_constraint` is `‖W‖² − k`.

    Args:
        bound: k, the largest allowed sum of squares of the entries of all trainable kernels, above 0.
        rate: η, step of the multiplier, above 0. If it is large, α and the norm oscillate.
        **common: `weight` (a factor of α), `ramp_up_steps` and `interval`, see `Regularizer`.

    Attributes:
        multiplier: the `keras.Variable` α. It belongs to this object, and is saved with the model.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range.

    Source: Na, "Regularization for deep learning" (lecture slides), norm penalties as constrained optimization; after
    Goodfellow, Bengio, Courville, 2016, "Deep learning", section 7.2, https://www.deeplearningbook.org.

    Example:
        >>> network = zoo.networks.mlp((8,), num_classes=3, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.NormConstraint(bound=20.0, rate=1e-4))
        >>> float(model.regularizer.multiplier.value)
        0.0
    """

    metric_name = "norm_constraint"
    moves_inputs = False

    def __init__(self, bound: float, *, rate: float = 1e-5, **common: Any):
        super().__init__(**common)
        self.bound = check_number("bound", bound, above=0)
        self.rate = check_number("rate", rate, above=0)
        self.multiplier = keras.Variable(0.0, trainable=False, name="multiplier", aggregation="only_first_replica")

    @property
    def variables(self) -> tuple[keras.Variable, ...]:
        """The multiplier."""
        return (self.multiplier,)

    def penalty(self, clean_pass: CleanPass) -> Tensor:
        """`‖W‖² − k`, a scalar."""
        kernels = trainable_kernels(clean_pass.variables)
        return sum((ops.sum(ops.square(kernel.value)) for kernel in kernels), start=-self.bound)

    def current_weight(self, step: Tensor) -> Tensor:
        """`λ·α`, times the interval, after the ramp-up."""
        return super().current_weight(step) * self.multiplier.value

    def update(self, penalty: Tensor) -> None:
        """`α ← max(0, α + η·(‖W‖²/k − 1))`."""
        change = self.rate * ops.cast(penalty, self.multiplier.dtype) / self.bound
        self.multiplier.assign(ops.maximum(self.multiplier.value + change, 0.0))
