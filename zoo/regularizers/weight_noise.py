"""Noise on the weights.

Keras has the other classical penalties and noises: `keras.regularizers.L1` and `L2` on kernels,
`keras.constraints.MaxNorm`, `keras.layers.Dropout` and `GaussianNoise`, label smoothing in its cross-entropies, and
`keras.callbacks.EarlyStopping`. The networks and recipes of the zoo take them as arguments.
"""

from typing import Any

import keras

from zoo.backend.random_numbers import normal
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.kernels import trainable_kernels
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend

KINDS = ("additive", "multiplicative")


@keras.saving.register_keras_serializable(package="zoo")
class WeightNoise(Regularizer):
    """Noise on the weights: `J = L(x, y; W) + λ·(L(x, y; W + n) − L(x, y; W))`, `n ~ N(0, η·I)` for every batch.

    At λ = 1 the objective is the loss under noisy weights. For a squared loss and small η the penalty tends to
    `η·E‖∇_W ŷ‖²` (up to the factor in the loss); for linear regression this is exact. Noise is added to kernels, not to
    biases. Multiplicative noise is `W·(1 + n)`, entry by entry. The penalty needs labels.

    Args:
        noise_std: √η, standard deviation of the noise in units of the weights, or a share of each weight. At least 0.
        kind: `"additive"` (default) or `"multiplicative"`.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        TypeError: `noise_std` is not a number.
        ValueError: `noise_std` is negative, or `kind` is unknown.

    Source: Na, "Regularization for deep learning" (lecture slides), noise robustness, which names both kinds; after
    Graves, 2011, "Practical variational inference for neural networks", NeurIPS.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.WeightNoise(noise_std=0.05))
        >>> model.terms[0].noise_std
        0.05
    """

    metric_name = "weight_noise"
    moves_inputs = False

    def __init__(self, noise_std: float, *, kind: str = "additive", **common: Any):
        super().__init__(**common)
        self.kind = check_choice("kind", kind, KINDS)
        self.noise_std = check_number("noise_std", noise_std, 0)

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """`L(x, y; W + n) − L(x, y; W)` of each labeled example, `(num_labeled,)`."""
        kernels = trainable_kernels(clean_pass.variables)
        noisy = [(kernel, self._with_noise(kernel.value, clean_pass.seed)) for kernel in kernels]
        return clean_pass.with_weights(noisy).labeled_losses - clean_pass.labeled_losses

    def _with_noise(self, weights: Tensor, seed: Any) -> Tensor:
        noise = self.noise_std * normal(weights, seed, per_example=False)
        return weights + (noise if self.kind == "additive" else weights * noise)
