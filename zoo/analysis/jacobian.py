"""The Jacobian of the logits in the input: its norm and its spectrum."""

import keras
import numpy as np
from keras import ops

from zoo.analysis.estimate import Estimate
from zoo.analysis.penalties import penalty_values
from zoo.analysis.prediction_pass import map_batches, prediction_pass
from zoo.optional import require
from zoo.regularizers import JacobianPenalty
from zoo.regularizers.math import per_example
from zoo.validation import check_number


def jacobian_rows(clean_pass):
    """J of every example of a `CleanPass`, by one product with Jᵀ per logit.

    Returns:
        `(n, k, d)` in NumPy and float64, d the number of entries of one input.
    """
    logits = clean_pass.logits
    units = [ops.zeros_like(logits) + ops.cast(row, logits.dtype) for row in np.eye(logits.shape[-1])]
    rows = [ops.convert_to_numpy(per_example.flatten(clean_pass.pull_back(unit))) for unit in units]
    return np.stack(rows, axis=1).astype("float64")


def jacobian(network, inputs, *, batch_size=500):
    """`J = ∂h/∂x` of every example, exactly.

    Args:
        network: from inputs to logits h.
        inputs: `(n, ...)`, floating-point, as the network takes them.
        batch_size: inputs at a time.

    Returns:
        `(n, k, d)` in NumPy and float64, for k logits and d input entries.
    """
    return map_batches(lambda x: jacobian_rows(prediction_pass(network, x)), inputs, batch_size=batch_size)


def squared_frobenius_norm(network, inputs, *, num_projections=None, seed=0, batch_size=500):
    """`‖J‖_F²` of every example: the sum of the squares of its singular values.

    Args:
        network, inputs, batch_size: as for `jacobian`.
        num_projections: None (default) takes one product with Jᵀ per logit, exactly; a number of at least 1 estimates
            the norm without bias from as many random directions v of the logits' space, `k·E‖Jᵀv‖²` with `‖v‖ = 1`.
        seed: of the directions.

    Returns:
        An `Estimate` of arrays `(n,)`: its standard error is that of the projections, 0 where it is exact.
    """
    if num_projections is None:
        values = penalty_values(network, inputs, JacobianPenalty(), batch_size=batch_size)
        return Estimate(values, np.zeros_like(values), 1)
    check_number("num_projections", num_projections, 1, integer=True)
    generator, one = keras.random.SeedGenerator(seed), JacobianPenalty(num_projections=1)

    def samples(x):
        clean_pass = prediction_pass(network, x, seed=generator)
        return ops.stack([one.per_example(clean_pass) for _ in range(num_projections)], axis=1)

    return Estimate.of(map_batches(samples, inputs, batch_size=batch_size), axis=1)


def singular_values(network, inputs, *, num_values=None, batch_size=500):
    """The singular values of J of every example, the largest first: `λ_k = σ_k²` are the eigenvalues of JᵀJ.

    Args:
        network, inputs, batch_size: as for `jacobian`.
        num_values: None (default) takes all of them from J itself; a number below k finds the largest ones by the
            Lanczos iteration, in products with J and Jᵀ, example by example: for networks with very many logits.

    Returns:
        `(n, min(k, d))`, or `(n, num_values)`.

    Raises:
        ValueError: `num_values` is not from 1 to `k − 1`.
        ImportError: the Lanczos iteration without SciPy.
    """
    if num_values is None:
        return map_batches(
            lambda x: np.linalg.svd(jacobian_rows(prediction_pass(network, x)), compute_uv=False),
            inputs,
            batch_size=batch_size,
        )
    return map_batches(lambda x: _lanczos(prediction_pass(network, x), num_values), inputs, batch_size=1)


def _lanczos(clean_pass, num_values):
    """The largest singular values of the one example of a pass, from the k × k operator JJᵀ; `(1, num_values)`."""
    sparse = require("scipy.sparse.linalg", "The Lanczos iteration", "report")
    dtype, (_, k) = clean_pass.logits.dtype, clean_pass.logits.shape
    check_number("num_values", num_values, 1, k - 1, integer=True)

    def product(v):
        pulled_back = clean_pass.pull_back(ops.convert_to_tensor(v.reshape(1, k), dtype=dtype))
        return ops.convert_to_numpy(clean_pass.push_forward(pulled_back))[0]

    operator = sparse.LinearOperator((k, k), matvec=product, dtype=keras.backend.standardize_dtype(dtype))
    start = np.random.default_rng(0).normal(size=k).astype(operator.dtype)
    if not product(start).any():  # J is zero, of which no iteration can start
        return np.zeros((1, num_values))
    eigenvalues = sparse.eigsh(operator, num_values, which="LM", v0=start, return_eigenvectors=False)
    return np.sqrt(np.maximum(np.sort(eigenvalues)[::-1], 0))[None]
