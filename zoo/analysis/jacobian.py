"""The Jacobian of the logits in the input: its norm and its spectrum."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import as_classifier
from zoo.analysis.estimate import Estimate
from zoo.analysis.penalties import penalty_values
from zoo.analysis.prediction_pass import prediction_pass
from zoo.backend.random_numbers import Seed, as_generator
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.optional import require
from zoo.regularizers import JacobianPenalty
from zoo.regularizers.linearized_pass import LinearizedPass
from zoo.regularizers.math import per_example
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


def jacobian_rows(linearized: LinearizedPass) -> np.ndarray:
    """J of every example of a pass, from one product with Jᵀ per logit.

    Args:
        linearized: pass with the products of its Jacobian.

    Returns:
        `(n, ..., k, d)` in float64, for inputs with d entries.

    Example:
        >>> from zoo.analysis.jacobian import jacobian_rows
        >>> from zoo.analysis.prediction_pass import prediction_pass
        >>> network = lambda x: keras.ops.matmul(x, np.array([[1.0, 2.0]]))
        >>> jacobian_rows(prediction_pass(network, np.zeros((1, 1))))
        array([[[1.],
                [2.]]])
    """
    logits = linearized.logits
    shape = tuple(logits.shape[1:])
    units = np.eye(math.prod(shape)).reshape(-1, *shape)
    units = [ops.zeros_like(logits) + ops.cast(unit, logits.dtype) for unit in units]
    rows = [ops.convert_to_numpy(per_example.flatten(linearized.pull_back(unit))) for unit in units]
    return np.stack(rows, axis=1).astype("float64").reshape(-1, *shape, rows[0].shape[-1])


def jacobian(network: Callable[..., Tensor], inputs: Any, *, batch_size: int = 500) -> np.ndarray:
    """The Jacobian `J = ∂h/∂x` of every example, exactly.

    x is what attacks move: the input, the joint vector of several inputs, or what named layers return. J is 0 at
    positions that Keras masks.

    Args:
        network: Keras network from inputs to logits h, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        batch_size: number of inputs at a time.

    Returns:
        `(n, k, d)` in float64, for k logits and d entries of x; `(n, ..., k, d)` for dense outputs.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.array([[1.0, 2.0]]))
        >>> zoo.analysis.jacobian(network, np.zeros((1, 1)))
        array([[[1.],
                [2.]]])
    """
    classifier = as_classifier(network)
    return map_batches(lambda x: jacobian_rows(prediction_pass(classifier, x)), inputs, batch_size=batch_size)


def squared_frobenius_norm(
    network: Callable[..., Tensor],
    inputs: Any,
    *,
    num_projections: int | None = None,
    seed: Seed = 0,
    batch_size: int = 500,
) -> Estimate:
    """`‖J‖_F²` of every example: the sum of the squared singular values of its Jacobian J.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        num_projections: None (default) computes the value exactly, with one product with Jᵀ per logit. An integer of at
            least 1 gives an unbiased estimate from that many random directions v in the space of the logits:
            `k·E‖Jᵀv‖²` with `‖v‖ = 1`. Dense outputs of more than 1000 logits need it.
        seed: integer, `keras.random.SeedGenerator` or None, for the directions.
        batch_size: number of inputs at a time.

    Returns:
        An `Estimate` of arrays `(n,)`. Its standard error is that of the projections, and 0 for exact values.

    Raises:
        TypeError: `num_projections` is not an integer.
        ValueError: `num_projections` is below 1.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([2.0, 1.0]))
        >>> zoo.analysis.squared_frobenius_norm(network, np.zeros((1, 2))).mean
        array([5.])
    """
    if num_projections is None:
        values = penalty_values(network, inputs, JacobianPenalty(), batch_size=batch_size)
        values = num_positions(network, inputs, batch_size=batch_size) * values
        return Estimate(values, np.zeros_like(values), 1)
    check_number("num_projections", num_projections, 1, integer=True)
    generator, one, classifier = as_generator(seed), JacobianPenalty(num_projections=1), as_classifier(network)

    def samples(x):
        clean_pass = prediction_pass(classifier, x, seed=generator)
        values = [clean_pass.num_positions * one.per_example(clean_pass) for _ in range(num_projections)]
        return ops.stack(values, axis=1)

    return Estimate.of(map_batches(samples, inputs, batch_size=batch_size), axis=1)


def num_positions(network: Callable[..., Tensor], inputs: Any, *, batch_size: int = 500) -> Any:
    """The number of positions of dense outputs, over which penalties take the mean; 1 for other outputs.

    It is an integer; or at least 1 for each example, `(n,)`, if Keras masks positions.

    Args:
        network: Keras network from inputs to logits.
        inputs: as for `jacobian`.
        batch_size: number of inputs at a time.

    Example:
        >>> from zoo.analysis.jacobian import num_positions
        >>> num_positions(lambda x: x * 1.0, np.zeros((2, 5, 3)))
        5
    """
    classifier = as_classifier(network)
    mask = classifier.mask(inputs, batch_size=batch_size)
    if mask is not None:
        return np.maximum(mask.reshape(len(mask), -1).sum(axis=1), 1)
    return math.prod(classifier(take_rows(as_inputs(inputs), slice(0, 1))).shape[1:-1])


def singular_values(
    network: Callable[..., Tensor], inputs: Any, *, num_values: int | None = None, batch_size: int = 500
) -> np.ndarray:
    """The singular values σ of the Jacobian J of every example, the largest first. `σ²` are the eigenvalues of JᵀJ.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        num_values: None (default) computes all values from J itself. An integer from 1 to `k − 1` computes that many of
            the largest (of all logits of dense outputs) by the Lanczos iteration, which uses products with J and Jᵀ for
            one example after the other. Use it for networks with very many logits.
        batch_size: number of inputs at a time.

    Returns:
        `(n, min(k, d))`, or `(n, num_values)`.

    Raises:
        TypeError: `num_values` is not an integer.
        ValueError: `num_values` is out of range.
        ImportError: the Lanczos iteration needs SciPy, which is not installed.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([2.0, 1.0]))
        >>> zoo.analysis.singular_values(network, np.zeros((1, 2)))
        array([[2., 1.]])
    """
    classifier = as_classifier(network)

    def all_values(x):
        rows = jacobian_rows(prediction_pass(classifier, x))
        return np.linalg.svd(rows.reshape(len(rows), -1, rows.shape[-1]), compute_uv=False)

    if num_values is None:
        return map_batches(all_values, inputs, batch_size=batch_size)
    return map_batches(lambda x: _lanczos(prediction_pass(classifier, x), num_values), inputs, batch_size=1)


def _lanczos(linearized: LinearizedPass, num_values: int) -> np.ndarray:
    """The largest singular values for a pass over one example, from the k × k operator JJᵀ; `(1, num_values)`."""
    sparse = require("scipy.sparse.linalg", "The Lanczos iteration", "report")
    dtype, shape = linearized.logits.dtype, tuple(linearized.logits.shape)
    k = math.prod(shape)
    check_number("num_values", num_values, 1, k - 1, integer=True)

    def product(v):
        pulled_back = linearized.pull_back(ops.convert_to_tensor(v.reshape(shape), dtype=dtype))
        return ops.convert_to_numpy(linearized.push_forward(pulled_back)).ravel()

    operator = sparse.LinearOperator((k, k), matvec=product, dtype=keras.backend.standardize_dtype(dtype))
    start = np.random.default_rng(0).normal(size=k).astype(operator.dtype)
    if not product(start).any():  # J is zero, and the iteration would fail
        return np.zeros((1, num_values))
    eigenvalues = sparse.eigsh(operator, num_values, which="LM", v0=start, return_eigenvectors=False)
    return np.sqrt(np.maximum(np.sort(eigenvalues)[::-1], 0))[None]
