"""Sparse codes by orthogonal matching pursuit."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers.adapted_projection import AdaptedProjection
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class SparseCode(AdaptedProjection):
    """Encodes an example by its k largest coefficients on the principal axes of a training set.

    `h = argmin ‖x − μ − W·h‖²` over codes with at most k entries that are not 0. Orthogonal matching pursuit solves
    this problem greedily. The columns of W are orthogonal here (principal axes), so the solution is exact and needs no
    iterations: compute `Wᵀ(x − μ)` and keep its k largest entries in absolute value. `adapt` fits μ and W. Before
    `adapt`, μ is 0 and W the identity.

    Args:
        num_nonzero: k, the number of entries to keep, at least 1. If it exceeds the length of the code, all are kept.
            Of equal entries at the limit all are kept, too.
        **kwargs: arguments of `keras.layers.Layer`.

    Input shape: `(n, ...)`, integer or floating; all dimensions but the first must be known. Output shape: `(n, d)`
    with the number d of entries of an example, in the layer's compute dtype.

    Raises:
        TypeError: `num_nonzero` is not an integer.
        ValueError: `num_nonzero` is below 1.

    Source: Na, "Regularization for deep learning" (lecture slides), sparse representations; after Pati, Rezaiifar,
    Krishnaprasad, 1993, "Orthogonal matching pursuit", https://doi.org/10.1109/ACSSC.1993.342465. The slides allow
    fewer than k entries, this layer at most k.

    Example:
        >>> layer = zoo.layers.SparseCode(num_nonzero=1)
        >>> np.asarray(layer(np.array([[1.0, -3.0, 2.0]])))
        array([[ 0., -3.,  0.]], dtype=float32)
    """

    def __init__(self, num_nonzero: int, **kwargs: Any):
        """Checks the number of entries."""
        super().__init__(**kwargs)
        self.num_nonzero = check_number("num_nonzero", num_nonzero, 1, integer=True)

    def fit_matrix(self, variances: np.ndarray, axes: np.ndarray) -> np.ndarray:
        """The principal axes, those of largest variance first."""
        return axes[:, ::-1]

    def call(self, inputs: Tensor) -> Tensor:
        """Encodes a batch."""
        coefficients = self.project(inputs)
        sizes = ops.abs(coefficients)
        kept = min(self.num_nonzero, sizes.shape[-1])
        least = ops.top_k(sizes, kept)[0][:, -1:]
        return ops.cast(ops.where(sizes >= least, coefficients, 0.0), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the batch size and the length of the code."""
        return input_shape[0], math.prod(dimension for dimension in input_shape[1:] if dimension is not None)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "num_nonzero": self.num_nonzero}
