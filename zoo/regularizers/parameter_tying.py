"""Parameter tying."""

import keras
from keras import ops

from zoo.regularizers.math.kernels import kernel_of
from zoo.regularizers.regularizer import Regularizer


@keras.saving.register_keras_serializable(package="zoo")
class ParameterTying(Regularizer):
    """Parameter tying: `λ·‖w_A − w_B‖²` between the kernels of two layers, kept close but not equal.

    Args:
        first, second: names of two layers with kernels of equal shape, one of them perhaps frozen; where several layers
            have one name, as much of the variable's path as tells them apart: `"lstm/lstm_cell/recurrent_kernel"`.
        **common: `weight` λ, `ramp_up_steps` and `interval`, see `Regularizer`.

    Raises:
        ValueError: at the first batch, a layer that is not there or has no kernel, one that is a name for several, or
            kernels of different shapes.

    Source: Na, "Regularization for Deep Learning", parameter tying (Lasserre et al. 2006).
    """

    metric_name = "parameter_tying"
    moves_inputs = False

    def __init__(self, first, second, **common):
        super().__init__(**common)
        self.first = first
        self.second = second

    def penalty(self, clean_pass):
        a, b = (kernel_of(name, clean_pass.variables) for name in (self.first, self.second))
        if tuple(a.shape) != tuple(b.shape):
            raise ValueError(
                f"Kernels tied to each other must have one shape, received {self.first!r} of {tuple(a.shape)} and "
                f"{self.second!r} of {tuple(b.shape)}."
            )
        return ops.sum(ops.square(a.value - b.value))
