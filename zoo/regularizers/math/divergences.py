"""Distances between the predictions at an input and at its perturbation, from logits, per example.

Each divergence comes with its Hessian at coinciding arguments, with respect to the second one, applied to a vector:
that is what the power iterations for the most adverse perturbation need, and it is exact where finite differences
of the divergence itself lose their digits.
"""

from keras import ops

IMPOSSIBLE = -1e30  # log-probability of a class that a network has ruled out by a logit of −∞; 0·∞ would be NaN


def check_classes(what, logits):
    """The number of classes, at least 2: the softmax of a single logit is 1 whatever the network does.

    Args:
        what: needs them, as the message should begin, e.g. `"Virtual labels need"`.
        logits: `(n, num_classes)`.

    Raises:
        ValueError: there are fewer.
    """
    num_classes = logits.shape[-1]
    if num_classes < 2:
        raise ValueError(f"{what} logits of at least 2 classes, received {num_classes}.")
    return num_classes


def log_probabilities(logits):
    """`log p` of `p = softmax(h)`, finite for classes that are ruled out, too."""
    return ops.maximum(ops.log_softmax(logits), IMPOSSIBLE)


def categorical_kl(logits, perturbed_logits):
    """`KL[softmax(h) ‖ softmax(h̃)] = Σ_k p_k (log p_k − log p̃_k)`.

    Args:
        logits, perturbed_logits: `(n, num_classes)`.

    Returns:
        `(n,)`, in nats, at least 0.

    Raises:
        ValueError: there are fewer than 2 classes; for regression there is `squared_distance`.
    """
    check_classes("The categorical divergence needs", logits)
    log_p, log_q = log_probabilities(logits), log_probabilities(perturbed_logits)
    return ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)


def categorical_hessian_product(logits, vectors):
    """`(diag(p) − p pᵀ)·u`, the Fisher information of a categorical distribution in its logits times `u`.

    `u` enters only by its differences. Taken from the entry of the likeliest class, they keep the small
    probabilities of a confident prediction, which `u − p·u` would round away.

    Args:
        logits: `(n, num_classes)`, of p.
        vectors: `(n, num_classes)`, u.

    Returns:
        `(n, num_classes)`.
    """
    p = ops.softmax(logits)
    likeliest = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1], dtype=vectors.dtype)
    differences = vectors - ops.sum(likeliest * vectors, axis=-1, keepdims=True)
    return p * (differences - ops.sum(p * differences, axis=-1, keepdims=True))


def squared_distance(outputs, perturbed_outputs):
    """`‖h − h̃‖²`, the squared Euclidean distance of each example's outputs.

    Args:
        outputs, perturbed_outputs: h and h̃, `(n, k)`.

    Returns:
        `(n,)`, at least 0.
    """
    return ops.sum(ops.square(outputs - perturbed_outputs), axis=-1)


def gaussian_kl(means, stds, other_means, other_stds):
    """`KL[N(μ, diag σ²) ‖ N(m, diag τ²)] = −½ Σ_k [1 + 2 log(σ_k/τ_k) − (σ_k² + (μ_k − m_k)²)/τ_k²]`.

    Args:
        means, other_means: μ and m, `(n, k)`.
        stds, other_stds: σ and τ, positive, broadcastable to `(n, k)`.

    Returns:
        `(n,)`, in nats, at least 0.

    Source: appendix A, equation 6, of the note that connects smoothness, VAT and ladder networks.
    """
    stds, other_stds = ops.broadcast_to(stds, means.shape), ops.broadcast_to(other_stds, means.shape)
    squares = (ops.square(stds) + ops.square(means - other_means)) / ops.square(other_stds)
    return -0.5 * ops.sum(1 + 2 * ops.log(stds / other_stds) - squares, axis=-1)


def entropy(logits):
    """`H[p] = −Σ_k p_k log p_k`, the entropy of each example's prediction.

    Args:
        logits: h with `p = softmax(h)`, `(n, num_classes)`.

    Returns:
        `(n,)`, in nats, from 0 to `log(num_classes)`.

    Raises:
        ValueError: there are fewer than 2 classes.
    """
    check_classes("The entropy needs", logits)
    log_p = log_probabilities(logits)
    return -ops.sum(ops.exp(log_p) * log_p, axis=-1)
