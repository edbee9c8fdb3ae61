"""The Jacobian penalty, the limit of the smoothness penalty for small noise."""

import keras
import numpy as np
from keras import ops

from zoo.regularizers.math import per_example
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_number


@keras.saving.register_keras_serializable(package="zoo")
class JacobianPenalty(Regularizer):
    """Jacobian penalty: `J = L(x, y) + λ·‖∂h/∂x‖_F²` on the logits h. It needs no labels.

    Args:
        num_projections: None (default) sums over all k logits, exactly; a number of at least 1 estimates the norm
            without bias from as many random directions v in the logits' space, `k·E‖Jᵀv‖²` with `‖v‖ = 1`.
        **common: `weight` (the papers' α), `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: `num_projections` below 1.

    Source: Abbas, Kivinen and Raiko 2016, section 3.2 (after Poggio and Girosi 1990).
    """

    metric_name = "jacobian"
    needs_input_derivatives = True

    def __init__(self, *, num_projections=None, **common):
        super().__init__(**common)
        self.num_projections = num_projections
        if num_projections is not None:
            check_number("num_projections", num_projections, 1, integer=True)

    def per_example(self, clean_pass):
        logits = clean_pass.logits
        num_logits = logits.shape[-1]
        if self.num_projections is None:
            scale = 1.0
            projections = [ops.zeros_like(logits) + ops.cast(row, logits.dtype) for row in np.eye(num_logits)]
        else:
            scale = num_logits / self.num_projections
            projections = [per_example.random_direction(logits, clean_pass.seed) for _ in range(self.num_projections)]
        squares = [per_example.squared_norm(clean_pass.pull_back(v)) for v in projections]
        return scale * sum(squares)
