"""The shared head of layers that project centered inputs on directions fitted to a training set."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any  # a tensor of the backend

CHUNK = 1024


class AdaptedProjection(keras.layers.Layer):
    """`(x − μ)·W` on flattened examples; a subclass fits W in `fit_matrix`.

    `adapt` fits μ and W. Before `adapt`, μ is 0 and W the identity. The layer fits both in float64, stores and applies
    them in float32, and does not train them.

    Args:
        **kwargs: arguments of `keras.layers.Layer`.

    Example:
        >>> from zoo.layers.adapted_projection import AdaptedProjection
        >>> issubclass(zoo.layers.ZCAWhitening, AdaptedProjection)
        True
    """

    def __init__(self, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)

    def fit_matrix(self, variances: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """The matrix W, `(d, d)`. A subclass implements it.

        Args:
            variances: `(d,)` eigenvalues of the covariance.
            axes: `(d, d)` eigenvectors, in columns.
        """
        raise NotImplementedError

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the mean and the matrix of the identity."""
        size = math.prod(dimension for dimension in input_shape[1:] if dimension is not None)
        settings = {"dtype": "float32", "trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(size,), initializer="zeros", **settings)
        self.matrix = self.add_weight(
            name="matrix", shape=(size, size), initializer=keras.initializers.Identity(), **settings
        )

    def adapt(self, x: Any) -> None:
        """Fits the mean and the matrix.

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
        mean, variances, axes = principal_axes(x.reshape(len(x), -1))
        self.mean.assign(mean)
        self.matrix.assign(self.fit_matrix(variances, axes))

    def project(self, inputs: Tensor) -> Tensor:
        """The projections of a batch, `(n, d)`, in float32."""
        flat = ops.reshape(ops.cast(inputs, "float32"), (ops.shape(inputs)[0], self.mean.shape[0]))
        return (flat - self.mean) @ self.matrix


def principal_axes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes the mean of a set, and the eigenvalues and eigenvectors of its covariance (divided by n).

    Sums the covariance over chunks: all 50 000 images of CIFAR-10 together would take 1.2 GB in float64.

    Args:
        x: `(n, d)`, any numeric dtype.

    Returns:
        The mean `(d,)`, the eigenvalues `(d,)` in ascending order, and the eigenvectors `(d, d)` in columns, in
        float64.

    Example:
        >>> import numpy as np
        >>> from zoo.layers.adapted_projection import principal_axes
        >>> mean, variances, axes = principal_axes(np.array([[0.0, 1.0], [4.0, 1.0]]))
        >>> mean, variances, abs(axes)
        (array([2., 1.]), array([0., 4.]), array([[0., 1.],
               [1., 0.]]))
    """
    mean = x.mean(0, dtype="float64")
    covariance = np.zeros((x.shape[1],) * 2)
    for start in range(0, len(x), CHUNK):
        centered = x[start : start + CHUNK] - mean
        covariance += centered.T @ centered
    variances, axes = np.linalg.eigh(covariance / len(x))
    return mean, np.maximum(variances, 0), axes
