"""Parameter tying."""

from typing import Any

import keras
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.kernels import kernel_of
from zoo.regularizers.regularizer import Regularizer

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class ParameterTying(Regularizer):
    """Parameter tying: `J = L(x, y) + λ·‖w_A − w_B‖²` keeps the kernels of two layers close, but not equal.

    Args:
        first: name of the layer with kernel w_A. It may be frozen. If several layers have that name, add the part of
            the variable's path that tells them apart: `"lstm/lstm_cell/recurrent_kernel"`.
        second: name of the layer with kernel w_B, of the shape of w_A.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: at the first batch, if a layer does not exist, has no kernel or is one of several with that name;
            or if the kernels have different shapes.

    Source: Na, "Regularization for deep learning" (lecture slides), parameter tying; after Lasserre, Bishop, Minka,
    2006, "Principled hybrids of generative and discriminative models", https://doi.org/10.1109/CVPR.2006.227.

    Example:
        >>> network = zoo.networks.mlp((8,), num_classes=3, hidden_units=(8, 8))
        >>> model = zoo.RegularizedModel(network, zoo.ParameterTying("hidden_1", "hidden_2", weight=0.1))
        >>> model.terms[0].metric_name
        'parameter_tying'
    """

    metric_name = "parameter_tying"
    moves_inputs = False

    def __init__(self, first: str, second: str, **common: Any):
        super().__init__(**common)
        self.first = first
        self.second = second

    def penalty(self, clean_pass: CleanPass) -> Tensor:
        """`‖w_A − w_B‖²`, a scalar."""
        a, b = (kernel_of(name, clean_pass.variables) for name in (self.first, self.second))
        if tuple(a.shape) != tuple(b.shape):
            raise ValueError(
                f"Tied kernels must have the same shape, received {self.first!r} of {tuple(a.shape)} and "
                f"{self.second!r} of {tuple(b.shape)}."
            )
        return ops.sum(ops.square(a.value - b.value))
