"""ZCA whitening, fitted to a training set."""

import math

import keras
import numpy as np
from keras import ops

from zoo.validation import check_number

CHUNK = 1024


@keras.saving.register_keras_serializable(package="zoo")
class ZCAWhitening(keras.layers.Layer):
    """Whitens the entries of an example, staying as close to the example as whitening can.

    `x ← (x − μ)·W` on flattened examples, with `W = U·diag(1/sqrt(s_i + filter_bias))·Uᵀ`, where μ is the
    mean of the training set and `U·diag(s)·Uᵀ` its covariance (divided by n). `adapt` fits μ and W; before
    that the layer is the identity. Both are fitted in float64, kept and applied in float32, and not
    trainable.

    Args:
        filter_bias: added to the eigenvalues so that directions of no variance are not blown up, above 0, in
            squared units of the input. 0.1 belongs to inputs normalized by
            `PerImageContrastNormalization(55)`.

    Input shape: `(n, ...)`, integer or floating, all but the first dimension known. Output shape: the same,
    in the layer's compute type.

    Raises:
        ValueError: `filter_bias` is not above 0.

    Source: Bell, Sejnowski, "The 'independent components' of natural scenes are edge filters", 1997;
    Krizhevsky, "Learning multiple layers of features from tiny images", 2009, appendix A. The filter bias is
    pylearn2's.
    """

    def __init__(self, filter_bias=0.1, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.filter_bias = check_number("filter_bias", filter_bias, above=0)

    def build(self, input_shape):
        size = math.prod(input_shape[1:])
        settings = {"dtype": "float32", "trainable": False, "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(size,), initializer="zeros", **settings)
        self.matrix = self.add_weight(
            name="matrix", shape=(size, size), initializer=keras.initializers.Identity(), **settings
        )

    def adapt(self, x):
        """Fits the mean and the whitening matrix.

        Args:
            x: `(n, ...)` training inputs as an array, preprocessed as this layer will receive them.

        Raises:
            ValueError: there are fewer than two examples, or their shape is not that for which the layer was
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

    def call(self, inputs):
        shape = ops.shape(inputs)
        flat = ops.reshape(ops.cast(inputs, "float32"), (shape[0], self.mean.shape[0]))
        return ops.cast(ops.reshape((flat - self.mean) @ self.matrix, shape), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "filter_bias": self.filter_bias}


def fit_zca(x, filter_bias):
    """Mean and ZCA matrix of a set.

    The covariance is summed over chunks: a set of 50 000 CIFAR-10 images would take 1.2 GB in float64 at
    once.

    Args:
        x: `(n, d)`, any numeric type.
        filter_bias: added to the covariance's eigenvalues.

    Returns:
        μ `(d,)` and W `(d, d)` in float64; W is symmetric.
    """
    mean = x.mean(0, dtype="float64")
    covariance = np.zeros((x.shape[1],) * 2)
    for start in range(0, len(x), CHUNK):
        centered = x[start : start + CHUNK] - mean
        covariance += centered.T @ centered
    eigenvalues, eigenvectors = np.linalg.eigh(covariance / len(x))
    scaled = eigenvectors / np.sqrt(np.maximum(eigenvalues, 0) + filter_bias)
    return mean, scaled @ eigenvectors.T
