"""Combinators g(z̃, u): each rung's denoising function, of its corrupted z and the signal from above.

u is None where nothing comes from above, because the rung above has no decoder. Parameters are per unit of a dense
rung and per channel of a convolutional one.
"""

import keras
from keras import ops

from zoo.validation import check_choice, check_number


class Combinator(keras.layers.Layer):
    """The shared head: `denoise(z̃, u) -> ẑ`, all of shape `(n, ..., k)`.

    It is no `call`, which would cast z̃ to the compute type of a mixed precision policy.
    """

    normalized = False  # whether g returns z in normalized units already, or in those of the clean pre-activation
    takes_signal = True  # whether g depends on u

    def build(self, z_shape, u_shape=None):
        """Makes the parameters, for u or for its absence; most combinators have some."""

    def parameter(self, name, units, value):
        return self.add_weight(shape=(units,), initializer=keras.initializers.Constant(value), name=name)


@keras.saving.register_keras_serializable(package="zoo")
class GaussianCombinator(Combinator):
    """`g = (z̃ − μ(u))·v(u) + μ(u)`, optimal where z is Gaussian given u; without u `g = w₁·z̃ + b₁`.

    `μ(u) = a₁·sigmoid(a₂u + a₃) + a₄u + a₅`, `v(u) = a₆·sigmoid(a₇u + a₈) + a₉u + a₁₀`; a₂ and a₇ begin at 1, the
    others at 0; w₁ begins at 1 and b₁ at 0.

    Source: Rasmus et al. 2015, equation 2; initial values from its authors' program.
    """

    def build(self, z_shape, u_shape=None):
        units = z_shape[-1]
        if u_shape is None:
            self.weights_z = self.parameter("w1", units, 1.0), self.parameter("b1", units, 0.0)
        else:
            self.a = [self.parameter(f"a{k}", units, float(k in (2, 7))) for k in range(1, 11)]

    def denoise(self, z, u):
        if u is None:
            w, b = self.weights_z
            return w * z + b
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = self.a
        mean = a1 * ops.sigmoid(a2 * u + a3) + a4 * u + a5
        gain = a6 * ops.sigmoid(a7 * u + a8) + a9 * u + a10
        return (z - mean) * gain + mean


@keras.saving.register_keras_serializable(package="zoo")
class LinearCombinator(Combinator):
    """`g = w₁·z̃ + w₂·u + b₁`; w₁ begins at 1, the others at 0."""

    def build(self, z_shape, u_shape=None):
        units = z_shape[-1]
        self.w1, self.b1 = self.parameter("w1", units, 1.0), self.parameter("b1", units, 0.0)
        self.w2 = None if u_shape is None else self.parameter("w2", units, 0.0)

    def denoise(self, z, u):
        estimate = self.w1 * z + self.b1
        return estimate if u is None else estimate + self.w2 * u


@keras.saving.register_keras_serializable(package="zoo")
class IdentityCombinator(Combinator):
    """`g = z̃`, in normalized units: at the top alone, the ladder's cost is then the smoothness penalty.

    Source: the note that connects smoothness, VAT and ladder networks, section 3.5.
    """

    normalized = True
    takes_signal = False

    def denoise(self, z, u):
        return z


@keras.saving.register_keras_serializable(package="zoo")
class MLPCombinator(Combinator):
    """A small network of `[z̃, u, z̃·u]`, with the same weights for all units of a rung.

    One hidden layer of leaky ReLUs, beside which z̃ passes unchanged.

    Args:
        hidden_units: at least 1.

    Source: Pezeshki et al. 2016, the augmented MLP combinator; differs by the direct path of z̃ and by one hidden
    layer.
    """

    def __init__(self, hidden_units=4, **kwargs):
        super().__init__(**kwargs)
        self.hidden_units = check_number("hidden_units", hidden_units, 1, integer=True)
        self.hidden = keras.layers.Dense(hidden_units, activation="leaky_relu")
        self.output_layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))

    def build(self, z_shape, u_shape=None):
        self.hidden.build((*z_shape, 1 if u_shape is None else 3))
        self.output_layer.build((*z_shape, self.hidden_units))

    def denoise(self, z, u):
        features = ops.stack([z] if u is None else [z, u, z * u], axis=-1)
        return z + ops.cast(ops.squeeze(self.output_layer(self.hidden(features)), axis=-1), z.dtype)

    def get_config(self):
        return {**super().get_config(), "hidden_units": self.hidden_units}


COMBINATORS = {
    "gauss": GaussianCombinator,
    "linear": LinearCombinator,
    "identity": IdentityCombinator,
    "mlp": MLPCombinator,
}
"""Every combinator's class by its name."""


def build_combinator(name):
    """Makes a combinator by its name.

    Raises:
        ValueError: an unknown name, with the nearest one.
    """
    return COMBINATORS[check_choice("combinator", name, COMBINATORS)]()
