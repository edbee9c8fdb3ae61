"""Entropy minimization."""

import keras

from zoo.regularizers.math.divergences import entropy
from zoo.regularizers.regularizer import Regularizer


@keras.saving.register_keras_serializable(package="zoo")
class EntropyMinimization(Regularizer):
    """Entropy minimization: `λ·H[p(x)]`, the "+EntMin" of VAT+EntMin. It needs no labels.

    Args:
        weight, ramp_up_steps, interval: λ, its ramp-up and when it takes part, see `Regularizer`.

    Source: Grandvalet and Bengio 2004; with VAT in Miyato et al. 2018.
    """

    metric_name = "entropy"
    moves_inputs = False

    def per_example(self, clean_pass):
        return entropy(clean_pass.logits)
