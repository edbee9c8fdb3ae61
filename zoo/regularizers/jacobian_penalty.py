"""The Jacobian penalty, the limit of the smoothness penalty for small noise."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math import per_example
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend

MOST_LOGITS = 1000


@keras.saving.register_keras_serializable(package="zoo")
class JacobianPenalty(Regularizer):
    """Jacobian penalty: `J = L(x, y) + λ·‖∂h/∂x‖_F²` on the logits h. It needs no labels.

    Args:
        num_projections: None (default) sums over all k logits, exactly. An integer of at least 1 gives an unbiased
            estimate from that many random directions v in the space of the logits: `k·E‖Jᵀv‖²` with `‖v‖ = 1`.
        **common: `weight` λ (α in the paper), `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: `num_projections` is not an integer.
        ValueError: `num_projections` is below 1; or, at the first batch, None for outputs of more than 1000 logits.

    Source: Abbas, Kivinen, Raiko, 2016, "Understanding regularization by virtual adversarial training, ladder networks
    and others", section 3.2, after Poggio, Girosi, 1990, "Networks for approximation and learning",
    https://doi.org/10.1109/5.58326.

    Example:
        >>> kernel = np.array([[1.0, 2.0], [0.0, 2.0]])
        >>> network = lambda x: keras.ops.matmul(x, kernel)
        >>> zoo.analysis.penalty_values(network, np.ones((1, 2)), zoo.JacobianPenalty())
        array([9.])
    """

    metric_name = "jacobian"
    needs_input_derivatives = True

    def __init__(self, *, num_projections: int | None = None, **common: Any):
        super().__init__(**common)
        self.num_projections = num_projections
        if num_projections is not None:
            check_number("num_projections", num_projections, 1, integer=True)

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """`‖∂h/∂x‖_F²` of each example, `(n,)`."""
        logits = clean_pass.logits
        num_logits = math.prod(logits.shape[1:])
        if self.num_projections is None:
            if num_logits > MOST_LOGITS:
                raise ValueError(
                    f"The exact penalty takes one pass for each of at most {MOST_LOGITS} logits, received outputs of "
                    f"shape {tuple(logits.shape)}. Pass num_projections=1 for an unbiased estimate."
                )
            scale = 1.0
            rows = np.eye(num_logits).reshape(-1, *logits.shape[1:])
            projections = [ops.zeros_like(logits) + ops.cast(row, logits.dtype) for row in rows]
        else:
            scale = num_logits / self.num_projections
            projections = [per_example.random_direction(logits, clean_pass.seed) for _ in range(self.num_projections)]
        squares = [per_example.squared_norm(clean_pass.pull_back(v)) for v in projections]
        return scale * sum(squares) / clean_pass.num_positions
