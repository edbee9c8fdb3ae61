"""Classical penalties on weights that Keras does not have.

Keras has the others: `keras.regularizers.L1` and `L2` on kernels, `keras.constraints.MaxNorm`, `keras.layers.Dropout`
and `GaussianNoise`, label smoothing in its cross-entropies, `keras.callbacks.EarlyStopping`. The networks and recipes
of the zoo take them as arguments.
"""

import keras
from keras import ops

from zoo.random_numbers import normal
from zoo.regularizers.base import Regularizer
from zoo.validation import check_choice, check_number


def is_kernel(variable):
    """Whether a variable is the matrix of an affine map, as against a bias, a normalisation's parameter or a slope."""
    return len(variable.shape) >= 2 and variable.name not in ("bias", "beta", "gamma", "alpha")


def kernel_of(layer, variables):
    """The kernel of a layer.

    Args:
        layer: its name, `"hidden_1"`, with more of the variable's path where it takes that to tell it from others:
            `"lstm/lstm_cell/recurrent_kernel"`. (Keras's paths do not always have the models around a layer.)
        variables: of the network.

    Raises:
        ValueError: there is none, with the nearest name, or several.
    """
    kernels = [variable for variable in variables if is_kernel(variable)]
    owner = {variable.path: variable.path.rpartition("/")[0] for variable in kernels}
    found = [v for v in kernels if any(f"/{place}".endswith(f"/{layer}") for place in (v.path, owner[v.path]))]
    if len(found) > 1:
        names = ", ".join(variable.path for variable in found)
        raise ValueError(
            f"{layer!r} names several kernels: {names}. Name one by more of its path, or give the layers other names."
        )
    if not found:
        check_choice("layer with a kernel", layer, {place.rpartition("/")[2] for place in owner.values()})
    return found[0]


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

    def penalty(self, clean_pass):
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
        return clean_pass.mean(losses - clean_losses)


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
