"""ZCA whitening, fitted to a training set."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.validation import check_number

Tensor = Any  # a tensor of the backend

CHUNK = 1024


@keras.saving.register_keras_serializable(package="zoo")
class ZCAWhitening(keras.layers.Layer):
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
        super().__init__(autocast=False, **kwargs)
        self.filter_bias = check_number("filter_bias", filter_bias, above=0)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the mean and the matrix of the identity."""
        size = math.prod(dimension for dimension in input_shape[1:] if dimension is not None)
        settings = {"dtype": "float32", "trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(size,), initializer="zeros", **settings)
        self.matrix = self.add_weight(
            name="matrix", shape=(size, size), initializer=keras.initializers.Identity(), **settings
        )

    def adapt(self, x: Any) -> None:
        """Fits the mean and the whitening matrix.

        Args:
            x: `(n, ...)` training inputs as an array, preprocessed as this layer will receive them.

        Raises:
            ValueError: there are fewer than two examples, or their shape differs from the shape for which the layer was
                built.
        """
        x = np.asarray(x)
        if len(x) < 2:
            raise ValueError(f"adapt needs at least 2 examples, received {len(x)}.")
        if not self.built:
            self.build((None, *x.shape[1:]))
        mean, matrix = fit_zca(x.reshape(len(x), -1), self.filter_bias)
        self.mean.assign(mean)
        self.matrix.assign(matrix)

    def call(self, inputs: Tensor) -> Tensor:
        """Whitens a batch."""
        shape: Any = ops.shape(inputs)
        flat = ops.reshape(ops.cast(inputs, "float32"), (shape[0], self.mean.shape[0]))
        return ops.cast(ops.reshape((flat - self.mean) @ self.matrix, shape), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "filter_bias": self.filter_bias}


def fit_zca(x: np.ndarray, filter_bias: float) -> tuple[np.ndarray, np.ndarray]:
    """Computes the mean and the ZCA matrix of a set.

    Sums the covariance over chunks: all 50 000 images of CIFAR-10 together would take 1.2 GB in float64.

    Args:
        x: `(n, d)`, any numeric dtype.
        filter_bias: added to the eigenvalues of the covariance.

    Returns:
        μ `(d,)` and the symmetric matrix W `(d, d)`, in float64.

    Example:
        >>> import numpy as np
        >>> from zoo.layers.zca_whitening import fit_zca
        >>> mean, matrix = fit_zca(np.array([[0.0], [4.0]]), filter_bias=1e-9)
        >>> mean, matrix.round(3)
        (array([2.]), array([[0.5]]))
    """
    mean = x.mean(0, dtype="float64")
    covariance = np.zeros((x.shape[1],) * 2)
    for start in range(0, len(x), CHUNK):
        centered = x[start : start + CHUNK] - mean
        covariance += centered.T @ centered
    eigenvalues, eigenvectors = np.linalg.eigh(covariance / len(x))
    scaled = eigenvectors / np.sqrt(np.maximum(eigenvalues, 0) + filter_bias)
    return mean, scaled @ eigenvectors.T
