"""The Fisher information of a classifier's prediction in its input."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.analysis.jacobian import jacobian_rows
from zoo.analysis.prediction_pass import map_batches, prediction_pass
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import check_classes
from zoo.regularizers.math.worst_directions import hessian_product, power_iteration
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


def fisher_root(logits: Any, jacobian: np.ndarray) -> np.ndarray:
    """`M = Bᵀ·J` with `B·Bᵀ = diag(p) − p·pᵀ`, so that `F = MᵀM`.

    `B = diag(√p)·(I − √p·√pᵀ)`. The computation uses differences between the rows of J and the row of the likeliest
    class, in float64. The small probabilities of a confident prediction keep their digits.

    Args:
        logits: logits of p, `(n, k)`.
        jacobian: J, `(n, k, d)`.

    Returns:
        `(n, k, d)`, float64.

    Example:
        >>> from zoo.analysis.fisher import fisher_root
        >>> root = fisher_root(np.zeros((1, 2)), np.eye(2)[None])
        >>> (root[0].T @ root[0]).round(6)
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
    """
    logits = np.asarray(logits, "float64")
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = (p / p.sum(axis=-1, keepdims=True))[..., None]
    likeliest = np.argmax(logits, axis=-1)[:, None, None]
    differences = jacobian - np.take_along_axis(jacobian, likeliest, axis=1)
    return np.sqrt(p) * (differences - np.sum(p * differences, axis=1, keepdims=True))


def largest_fisher_eigenvalue(
    network: Callable[..., Tensor],
    inputs: Any,
    *,
    num_power_iterations: int | None = None,
    seed: Seed = 0,
    batch_size: int = 500,
) -> np.ndarray:
    """`λ_max(F)` of every example, with the Fisher information `F = Jᵀ(diag p − p·pᵀ)J` in the input.

    J is the Jacobian of the logits. For small ε the largest KL divergence at distance ε is `ε²/2·λ_max(F)`.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, in floating point, as the network takes them.
        num_power_iterations: None (default) computes the value exactly from the k × k form, with one product with Jᵀ
            per logit. An integer of at least 1 iterates in the space of the input, with two products per iteration,
            and gives a lower bound. Use it for networks with very many logits.
        seed: integer, `keras.random.SeedGenerator` or None, for the directions from which the iterations start.
        batch_size: number of inputs at a time.

    Returns:
        `(n,)`, at least 0.

    Raises:
        TypeError: `num_power_iterations` is not an integer.
        ValueError: `num_power_iterations` is below 1, or there are fewer than 2 logits.

    Source: Abbas, Kivinen, Raiko, 2016, "Understanding regularization by virtual adversarial training, ladder networks
    and others", section 3.3.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.array([[1.0, -1.0]]))
        >>> zoo.analysis.largest_fisher_eigenvalue(network, np.zeros((1, 1)))
        array([1.])
    """
    if num_power_iterations is not None:
        check_number("num_power_iterations", num_power_iterations, 1, integer=True)
    generator = as_generator(seed)

    def of_batch(x):
        clean_pass = prediction_pass(network, x, seed=generator)
        check_classes("The Fisher information needs", clean_pass.logits)
        if num_power_iterations is None:
            root = fisher_root(ops.convert_to_numpy(clean_pass.logits), jacobian_rows(clean_pass))
            return np.linalg.svd(root, compute_uv=False)[:, 0] ** 2
        start = per_example.random_direction(clean_pass.inputs, generator)
        pushed = clean_pass.push_forward(power_iteration(clean_pass, start, "categorical", num_power_iterations))
        return ops.sum(pushed * hessian_product(clean_pass.logits, pushed, "categorical"), axis=-1)

    return map_batches(of_batch, inputs, batch_size=batch_size)
