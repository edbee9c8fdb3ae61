"""The Hessian of a divergence in its second argument, at equal arguments, as a product with a vector.

Power iterations for the worst perturbation need this product. It is exact, while finite differences of the divergence
lose digits.
"""

from typing import Any

from keras import ops

Tensor = Any  # a tensor of the backend


def categorical_hessian_product(logits: Tensor, vectors: Tensor) -> Tensor:
    """`(diag(p) − p pᵀ)·u`, the Fisher information of a categorical distribution in its logits, times `u`.

    Only differences between the entries of `u` matter. Differences from the entry of the likeliest class keep the
    small probabilities of a confident prediction; `u − p·u` would round them away.

    Args:
        logits: logits of p, `(n, num_classes)`.
        vectors: u, `(n, num_classes)`.

    Returns:
        `(n, num_classes)`.

    Example:
        >>> from zoo.regularizers.math.hessian_products import categorical_hessian_product
        >>> np.asarray(categorical_hessian_product(np.zeros((1, 2)), np.array([[1.0, 0.0]])))
        array([[ 0.25, -0.25]])
    """
    p = ops.softmax(logits)
    likeliest = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1], dtype=vectors.dtype)
    differences = vectors - ops.sum(likeliest * vectors, axis=-1, keepdims=True)
    return p * (differences - ops.sum(p * differences, axis=-1, keepdims=True))


def bernoulli_hessian_product(logits: Tensor, vectors: Tensor) -> Tensor:
    """`diag(p(1 − p))·u`, the Fisher information of independent Bernoulli units in their logits, times `u`.

    Args:
        logits: logits of p, `(n, k)`.
        vectors: u, `(n, k)`.

    Returns:
        `(n, k)`.

    Example:
        >>> from zoo.regularizers.math.hessian_products import bernoulli_hessian_product
        >>> np.asarray(bernoulli_hessian_product(np.zeros((1, 2)), np.array([[1.0, 0.0]])))
        array([[0.25, 0.  ]])
    """
    return ops.sigmoid(logits) * ops.sigmoid(-logits) * vectors


def hessian_product(logits: Tensor, vectors: Tensor, distribution: str) -> Tensor:
    """The Hessian of a divergence in its second argument, at equal arguments, times vectors; up to a factor.

    Args:
        logits: `(n, k)`.
        vectors: `(n, k)`.
        distribution: `"categorical"` (Fisher information of the softmax), `"bernoulli"` (of independent units) or
            `"gaussian"` (identity).

    Returns:
        `(n, k)`.

    Example:
        >>> from zoo.regularizers.math.hessian_products import hessian_product
        >>> np.asarray(hessian_product(np.zeros((1, 2)), np.array([[1.0, 0.0]]), "categorical"))
        array([[ 0.25, -0.25]])
    """
    if distribution == "gaussian":
        return vectors
    product = bernoulli_hessian_product if distribution == "bernoulli" else categorical_hessian_product
    return product(logits, vectors)
