"""ZCA whitening, fitted to a training set."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.adapted_projection import AdaptedProjection
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class ZCAWhitening(AdaptedProjection):
    """Whitens the entries of an example and changes the example as little as whitening can.

    `x ← (x − μ)·W` on flattened examples, with `W = U·diag(1/sqrt(s_i + filter_bias))·Uᵀ`, where μ is the mean of the
    training set and `U·diag(s)·Uᵀ` its covariance (divided by n). `adapt` fits μ and W. Before `adapt`, the layer is
    the identity. The layer fits both in float64, stores and applies them in float32, and does not train them.

    Args:
        filter_bias: added to the eigenvalues, above 0, in squared units of the input. It limits the gain in directions
            of little variance. Use 0.1 for inputs normalized by `PerImageContrastNormalization(55)`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape: `(n, ...)`, integer or floating; all dimensions but the first must be known. Output shape: the same, in
    the layer's compute dtype.

    Raises:
        TypeError: `filter_bias` is not a number.
        ValueError: `filter_bias` is not above 0.

    Source: Bell, Sejnowski, 1997, "The 'independent components' of natural scenes are edge filters",
    https://doi.org/10.1016/S0042-6989(97)00121-1; Krizhevsky, 2009, "Learning multiple layers of features from tiny
    images", appendix A, https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf. The filter bias is that of the
    library pylearn2.

    Example:
        >>> import numpy as np
        >>> import zoo
        >>> x = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> layer = zoo.layers.ZCAWhitening(filter_bias=1e-6)
        >>> layer.adapt(x)
        >>> np.cov(np.asarray(layer(x)).T, bias=True).round(3)
        array([[1., 0.],
               [0., 1.]])
    """

    def __init__(self, filter_bias: float = 0.1, **kwargs: Any):
        """Checks the filter bias."""
        super().__init__(**kwargs)
        self.filter_bias = check_number("filter_bias", filter_bias, above=0)

    def fit_matrix(self, variances: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """The symmetric matrix `U·diag(1/sqrt(s_i + filter_bias))·Uᵀ`."""
        return (axes / np.sqrt(variances + self.filter_bias)) @ axes.T

    def call(self, inputs: Tensor) -> Tensor:
        """Whitens a batch."""
        return ops.cast(ops.reshape(self.project(inputs), ops.shape(inputs)), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "filter_bias": self.filter_bias}
