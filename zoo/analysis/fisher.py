"""The Fisher information of a classifier's prediction in its input."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import as_classifier
from zoo.analysis.jacobian import jacobian_rows
from zoo.analysis.prediction_pass import prediction_pass
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.math.divergences import check_classes
from zoo.regularizers.math.hessian_products import hessian_product
from zoo.regularizers.math.per_example import over_positions
from zoo.regularizers.math.worst_directions import power_iteration
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


def fisher_root(logits: Any, jacobian: np.ndarray, distribution: str = "categorical") -> np.ndarray:
    """`M = Bᵀ·J` with `B·Bᵀ = diag(p) − p·pᵀ`, so that `F = MᵀM`; of Bernoulli units `B = diag(√(p(1 − p)))`.

    `B = diag(√p)·(I − √p·√pᵀ)`. The computation uses differences between the rows of J and the row of the likeliest
    class, in float64. The small probabilities of a confident prediction keep their digits.

    Args:
        logits: logits of p, `(n, ..., k)`.
        jacobian: J, `(n, ..., k, d)`.
        distribution: `"categorical"` or `"bernoulli"`.

    Returns:
        `(n, ..., k, d)`, float64.

    Example:
        >>> from zoo.analysis.fisher import fisher_root
        >>> root = fisher_root(np.zeros((1, 2)), np.eye(2)[None])
        >>> (root[0].T @ root[0]).round(6)
        array([[ 0.25, -0.25],
               [-0.25,  0.25]])
    """
    logits = np.asarray(logits, "float64")
    if distribution == "bernoulli":
        return np.exp(-np.abs(logits) / 2)[..., None] / (1 + np.exp(-np.abs(logits)))[..., None] * jacobian
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = (p / p.sum(axis=-1, keepdims=True))[..., None]
    likeliest = np.argmax(logits, axis=-1)[..., None, None]
    differences = jacobian - np.take_along_axis(jacobian, likeliest, axis=-2)
    return np.sqrt(p) * (differences - np.sum(p * differences, axis=-2, keepdims=True))


def largest_fisher_eigenvalue(
    network: Callable[..., Tensor],
    inputs: Any,
    *,
    num_power_iterations: int | None = None,
    seed: Seed = 0,
    batch_size: int = 500,
) -> np.ndarray:
    """`λ_max(F)` of every example, with the Fisher information `F = Jᵀ(diag p − p·pᵀ)J` in the input.

    J is the Jacobian of the logits, see `jacobian`. For small ε the largest KL divergence at distance ε is
    `ε²/2·λ_max(F)`. If each unit decides for itself, `F = Jᵀ·diag(p(1 − p))·J` with its sigmoid p. F of dense outputs
    is the mean over the positions, as the divergence is.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
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
    generator, classifier = as_generator(seed), as_classifier(network)

    def of_batch(x):
        clean_pass = prediction_pass(classifier, x, seed=generator)
        logits, distribution = clean_pass.logits, clean_pass.distribution
        if distribution == "categorical":
            check_classes("The Fisher information needs", logits)
        if num_power_iterations is None:
            root = fisher_root(ops.convert_to_numpy(logits), jacobian_rows(clean_pass), distribution)
            root = root.reshape(len(root), -1, root.shape[-1])
            return np.linalg.svd(root, compute_uv=False)[:, 0] ** 2 / np.asarray(clean_pass.num_positions)
        start = clean_pass.random_direction()
        pushed = clean_pass.push_forward(power_iteration(clean_pass, start, distribution, num_power_iterations))
        products = ops.sum(pushed * hessian_product(logits, pushed, distribution), axis=-1)
        return over_positions(products, clean_pass.mask)

    return map_batches(of_batch, inputs, batch_size=batch_size)
