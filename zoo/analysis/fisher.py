"""The Fisher information of a classifier's prediction in its input."""

import keras
import numpy as np
from keras import ops

from zoo.analysis.jacobian import jacobian_rows
from zoo.analysis.prediction_pass import map_batches, prediction_pass
from zoo.regularizers.math import per_example
from zoo.regularizers.math.worst_directions import hessian_product, power_iteration
from zoo.validation import check_number


def fisher_root(logits, jacobian):
    """`M = Bᵀ·J` with `B·Bᵀ = diag(p) − p·pᵀ`, so that `F = MᵀM`.

    `B = diag(√p)·(I − √p·√pᵀ)`. The rows of J enter by their differences from the likeliest class's, and all is in
    float64: so the small probabilities of a confident prediction keep their digits.

    Args:
        logits: `(n, k)`, of p.
        jacobian: J, `(n, k, d)`.

    Returns:
        `(n, k, d)`, float64.
    """
    logits = np.asarray(logits, "float64")
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = (p / p.sum(axis=-1, keepdims=True))[..., None]
    likeliest = np.argmax(logits, axis=-1)[:, None, None]
    differences = jacobian - np.take_along_axis(jacobian, likeliest, axis=1)
    return np.sqrt(p) * (differences - np.sum(p * differences, axis=1, keepdims=True))


def largest_fisher_eigenvalue(network, inputs, *, num_power_iterations=None, seed=0, batch_size=500):
    """`λ_max(F)` of every example, `F = Jᵀ(diag p − p·pᵀ)J`: for small ε the largest KL at distance ε is `ε²/2·λ_max`.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, floating-point, as the network takes them.
        num_power_iterations: None (default) takes it from the k × k form, exactly, with one product with Jᵀ per logit;
            a number of at least 1 iterates in the input's space at two products each, which gives a lower bound: for
            networks with very many logits.
        seed: of the directions from which the iteration starts.
        batch_size: inputs at a time.

    Returns:
        `(n,)`, at least 0.
    """
    if num_power_iterations is not None:
        check_number("num_power_iterations", num_power_iterations, 1, integer=True)
    generator = keras.random.SeedGenerator(seed)

    def of_batch(x):
        clean_pass = prediction_pass(network, x, seed=generator)
        if num_power_iterations is None:
            root = fisher_root(ops.convert_to_numpy(clean_pass.logits), jacobian_rows(clean_pass))
            return np.linalg.svd(root, compute_uv=False)[:, 0] ** 2
        start = per_example.random_direction(clean_pass.inputs, generator)
        pushed = clean_pass.push_forward(power_iteration(clean_pass, start, "categorical", num_power_iterations))
        return ops.sum(pushed * hessian_product(clean_pass.logits, pushed, "categorical"), axis=-1)

    return map_batches(of_batch, inputs, batch_size=batch_size)
