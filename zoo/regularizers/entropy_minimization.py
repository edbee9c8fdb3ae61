"""Entropy minimization."""

from typing import Any

import keras

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.divergences import entropy
from zoo.regularizers.regularizer import Regularizer

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class EntropyMinimization(Regularizer):
    """Entropy minimization: `J = L(x, y) + λ·H[p(x)]`. It needs no labels. With VAT it makes "VAT+EntMin".

    Args:
        weight: λ, at least 0.
        ramp_up_steps: number of training steps over which λ grows linearly from 0, see `Regularizer`.
        interval: the penalty takes part in every `interval`-th training step, see `Regularizer`.

    Raises:
        TypeError: an argument is not a number.
        ValueError: an argument is out of range.

    Source: Grandvalet, Bengio, 2004, "Semi-supervised learning by entropy minimization",
    https://papers.nips.cc/paper/2740-semi-supervised-learning-by-entropy-minimization. With VAT: Miyato, Maeda, Koyama,
    Ishii, 2018, "Virtual adversarial training", https://arxiv.org/abs/1704.03976.

    Example:
        >>> logits = np.array([[0.0, 0.0], [1.0, -1.0]])
        >>> zoo.analysis.penalty_values(lambda x: x * 1.0, logits, zoo.EntropyMinimization()).round(4)
        array([0.6931, 0.3653])
    """

    metric_name = "entropy"
    moves_inputs = False

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """`H[p(x)]` of each example, `(n,)`, in nats."""
        return entropy(clean_pass.logits, clean_pass.distribution, clean_pass.mask)
