"""Combinators g(z̃, u): the denoising function of a level, from its corrupted z̃ and the signal u from above.

u is None if the level above has no decoder. A combinator has parameters for each unit of a dense level, or for each
channel of a convolutional level.
"""

from typing import Any

import keras
from keras import ops

from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend


class Combinator(keras.layers.Layer):
    """The head that combinators share: `denoise(z̃, u) -> ẑ`, all of shape `(n, ..., k)`.

    `denoise` is not `call`, because `call` would cast z̃ to the compute type of a mixed precision policy.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Attributes:
        normalized: whether g returns z in normalized units, and not in those of the clean pre-activation.
        takes_signal: whether g depends on u.

    Example:
        >>> from zoo.ladder.combinators import Combinator
        >>> class Half(Combinator):
        ...     takes_signal = False
        ...
        ...     def denoise(self, z, u):
        ...         return 0.5 * z
        >>> Half().denoise(np.ones(1), None)
        array([0.5])
    """

    normalized = False
    takes_signal = True

    def build(self, z_shape: tuple, u_shape: tuple | None = None) -> None:
        """Makes the parameters.

        Args:
            z_shape: shape of z̃, `(None, ..., k)`.
            u_shape: shape of u, or None if there is no signal.
        """

    def denoise(self, z: Tensor, u: Tensor | None) -> Tensor:
        """ẑ from the corrupted z̃ and the signal u. A subclass implements it.

        Args:
            z: z̃, `(n, ..., k)`.
            u: u, `(n, ..., k)`, or None.

        Returns:
            `(n, ..., k)`.
        """
        raise NotImplementedError

    def parameter(self, name: str, units: int, value: float) -> keras.Variable:
        """Makes a parameter per unit, with an initial value."""
        return self.add_weight(shape=(units,), initializer=keras.initializers.Constant(value), name=name)


@keras.saving.register_keras_serializable(package="zoo")
class GaussianCombinator(Combinator):
    """`g = (z̃ − μ(u))·v(u) + μ(u)`, optimal if z is Gaussian given u; without u `g = w₁·z̃ + b₁`.

    `μ(u) = a₁·sigmoid(a₂u + a₃) + a₄u + a₅` and `v(u) = a₆·sigmoid(a₇u + a₈) + a₉u + a₁₀`. a₂ and a₇ start at 1, the
    other a at 0; w₁ starts at 1 and b₁ at 0.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Source: Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder networks",
    https://arxiv.org/abs/1507.02672, equation 2. The initial values are those of the authors' program.

    Example:
        >>> combinator = zoo.ladder.COMBINATORS["gauss"]()
        >>> combinator.build((None, 3), (None, 3))
        >>> combinator.denoise(np.ones((2, 3), "float32"), np.ones((2, 3), "float32")).shape.as_list()
        [2, 3]
    """

    def build(self, z_shape: tuple, u_shape: tuple | None = None) -> None:
        """Makes the parameters a with a signal, or w and b without."""
        units = z_shape[-1]
        if u_shape is None:
            self.weights_z = self.parameter("w1", units, 1.0), self.parameter("b1", units, 0.0)
        else:
            self.a = [self.parameter(f"a{k}", units, float(k in (2, 7))) for k in range(1, 11)]

    def denoise(self, z: Tensor, u: Tensor | None) -> Tensor:
        """The formula above."""
        if u is None:
            w, b = self.weights_z
            return w * z + b
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = self.a
        mean = a1 * ops.sigmoid(a2 * u + a3) + a4 * u + a5
        gain = a6 * ops.sigmoid(a7 * u + a8) + a9 * u + a10
        return (z - mean) * gain + mean


@keras.saving.register_keras_serializable(package="zoo")
class LinearCombinator(Combinator):
    """`g = w₁·z̃ + w₂·u + b₁`. w₁ starts at 1, w₂ and b₁ at 0.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Example:
        >>> combinator = zoo.ladder.COMBINATORS["linear"]()
        >>> combinator.build((None, 1), (None, 1))
        >>> np.asarray(combinator.denoise(np.array([[2.0]], "float32"), np.array([[5.0]], "float32")))
        array([[2.]], dtype=float32)
    """

    def build(self, z_shape: tuple, u_shape: tuple | None = None) -> None:
        """Makes w₁ and b₁, and w₂ with a signal."""
        units = z_shape[-1]
        self.w1, self.b1 = self.parameter("w1", units, 1.0), self.parameter("b1", units, 0.0)
        self.w2 = None if u_shape is None else self.parameter("w2", units, 0.0)

    def denoise(self, z: Tensor, u: Tensor | None) -> Tensor:
        """The formula above."""
        estimate = self.w1 * z + self.b1
        return estimate if u is None else estimate + self.w2 * u


@keras.saving.register_keras_serializable(package="zoo")
class IdentityCombinator(Combinator):
    """`g = z̃`, in normalized units. At the top alone, the ladder's cost is then the smoothness penalty.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Source: Abbas, Kivinen, Raiko, 2016, "Understanding regularization by virtual adversarial training, ladder networks
    and others", section 3.5.

    Example:
        >>> zoo.ladder.COMBINATORS["identity"]().denoise(np.ones(1), None)
        array([1.])
    """

    normalized = True
    takes_signal = False

    def denoise(self, z: Tensor, u: Tensor | None) -> Tensor:
        """Returns z̃."""
        return z


@keras.saving.register_keras_serializable(package="zoo")
class MLPCombinator(Combinator):
    """A small network of `[z̃, u, z̃·u]`, added to z̃: `g = z̃ + w·φ(W[z̃, u, z̃·u] + b) + c`, φ the leaky ReLU.

    All units of a level share its weights.

    Args:
        hidden_units: width of the hidden layer, at least 1.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        TypeError: `hidden_units` is not an integer.
        ValueError: `hidden_units` is below 1.

    Source: Pezeshki, Fan, Brakel, Courville, Bengio, 2016, "Deconstructing the ladder network architecture",
    https://arxiv.org/abs/1511.06430, the augmented MLP combinator. The direct path of z̃ and the single hidden layer
    are different there.

    Example:
        >>> combinator = zoo.ladder.COMBINATORS["mlp"](hidden_units=2)
        >>> combinator.build((None, 3), (None, 3))
        >>> combinator.denoise(np.ones((2, 3), "float32"), np.ones((2, 3), "float32")).shape.as_list()
        [2, 3]
    """

    def __init__(self, hidden_units: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden_units = check_number("hidden_units", hidden_units, 1, integer=True)
        self.hidden = keras.layers.Dense(hidden_units, activation="leaky_relu")
        self.output_layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))

    def build(self, z_shape: tuple, u_shape: tuple | None = None) -> None:
        """Builds both layers, for three features with a signal or one without."""
        self.hidden.build((*z_shape, 1 if u_shape is None else 3))
        self.output_layer.build((*z_shape, self.hidden_units))

    def denoise(self, z: Tensor, u: Tensor | None) -> Tensor:
        """The formula above; without u the only feature is z̃."""
        features = ops.stack([z] if u is None else [z, u, z * u], axis=-1)
        return z + ops.cast(ops.squeeze(self.output_layer(self.hidden(features)), axis=-1), z.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "hidden_units": self.hidden_units}


COMBINATORS: dict[str, type[Combinator]] = {
    "gauss": GaussianCombinator,
    "linear": LinearCombinator,
    "identity": IdentityCombinator,
    "mlp": MLPCombinator,
}
"""The class of each combinator by its name."""


def build_combinator(name: str) -> Combinator:
    """Makes a combinator from its name.

    Args:
        name: `"gauss"`, `"linear"`, `"identity"` or `"mlp"`.

    Returns:
        A combinator that is not built yet.

    Raises:
        ValueError: an unknown name, with the nearest one.

    Example:
        >>> from zoo.ladder.combinators import build_combinator
        >>> build_combinator("identity").takes_signal
        False
    """
    return COMBINATORS[check_choice("combinator", name, COMBINATORS)]()
