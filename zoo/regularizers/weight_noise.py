"""Classical penalties on weights that Keras does not have.

Keras has the others: `keras.regularizers.L1` and `L2` on kernels, `keras.constraints.MaxNorm`, `keras.layers.Dropout`
and `GaussianNoise`, label smoothing in its cross-entropies, `keras.callbacks.EarlyStopping`. The networks and recipes
of the zoo take them as arguments.
"""

import keras

from zoo.backend.random_numbers import normal
from zoo.regularizers.math.kernels import is_kernel
from zoo.regularizers.regularizer import Regularizer
from zoo.validation import check_number


@keras.saving.register_keras_serializable(package="zoo")
class WeightNoise(Regularizer):
    """Noise on the weights: `λ·(L(x, y; W + n) − L(x, y; W))`, `n ~ N(0, η·I)` drawn for every batch.

    At λ = 1 the objective is the loss under noisy weights. For a squared loss and small η the penalty tends to
    `η·E‖∇_W ŷ‖²` (up to the loss's own factor), exactly so for linear regression. Kernels are disturbed, biases not.

    Args:
        noise_std: √η, standard deviation of the noise, in units of the weights, at least 0.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: `noise_std` negative.

    Source: Na, "Regularization for Deep Learning", noise robustness (Jim et al. 1996; Graves 2011).
    """

    metric_name = "weight_noise"
    moves_inputs = False

    def __init__(self, noise_std, **common):
        super().__init__(**common)
        self.noise_std = check_number("noise_std", noise_std, 0)

    def per_example(self, clean_pass):
        noisy = [
            (v, v.value + self.noise_std * normal(v.value, clean_pass.seed, per_example=False))
            for v in clean_pass.variables
            if v.trainable and is_kernel(v)
        ]
        # Of all inputs, whose batch statistics the clean losses have.
        logits = clean_pass.forward(clean_pass.inputs, weights=noisy)
        losses, clean_losses = (
            clean_pass.losses(each[: clean_pass.num_labeled]) for each in (logits, clean_pass.logits)
        )
        return losses - clean_losses
