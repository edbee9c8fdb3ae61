"""Distances between the predictions at an input and at its perturbation, from logits, example by example.

Logits have the shape `(n, k)`, or `(n, ..., k)` for dense outputs such as the classes of pixels or of words. A
divergence of dense outputs is the mean over the positions, or over those that a mask leaves.
"""

from typing import Any

from keras import ops

from zoo.regularizers.math.per_example import over_positions
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

IMPOSSIBLE = -1e30  # log-probability of a class whose logit is −∞. With −∞ itself, 0·∞ would be NaN.


def check_classes(what: str, logits: Tensor) -> int:
    """Refuses logits of fewer than 2 classes: the softmax of a single logit is always 1.

    Args:
        what: beginning of the message, such as `"Virtual labels need"`.
        logits: `(n, num_classes)`.

    Returns:
        The number of classes.

    Raises:
        ValueError: there are fewer than 2 classes.

    Example:
        >>> from zoo.regularizers.math.divergences import check_classes
        >>> check_classes("Virtual labels need", np.zeros((4, 3)))
        3
    """
    num_classes = logits.shape[-1]
    if num_classes < 2:
        raise ValueError(f"{what} logits of at least 2 classes, received {num_classes}.")
    return num_classes


def log_probabilities(logits: Tensor) -> Tensor:
    """`log p` with `p = softmax(h)`. It stays finite for a class whose logit is −∞.

    Args:
        logits: h, `(n, num_classes)`.

    Returns:
        `(n, num_classes)`.

    Example:
        >>> from zoo.regularizers.math.divergences import log_probabilities
        >>> np.exp(log_probabilities(np.array([[0.0, -np.inf]])))
        array([[1., 0.]])
    """
    return ops.maximum(ops.log_softmax(logits), IMPOSSIBLE)


def categorical_kl(logits: Tensor, perturbed_logits: Tensor, mask: Tensor | None = None) -> Tensor:
    """`KL[softmax(h) ‖ softmax(h̃)] = Σ_k p_k (log p_k − log p̃_k)`.

    Args:
        logits: h, `(n, num_classes)`.
        perturbed_logits: h̃, `(n, num_classes)`.
        mask: of the positions of dense outputs, see `over_positions`.

    Returns:
        `(n,)`, in nats, at least 0.

    Raises:
        ValueError: there are fewer than 2 classes. For regression use `squared_distance`.

    Example:
        >>> logits = np.log([[0.5, 0.5]])
        >>> round(float(zoo.regularizers.categorical_kl(logits, np.log([[0.25, 0.75]]))[0]), 4)
        0.1438
    """
    return over_positions(categorical_kl_at_positions(logits, perturbed_logits), mask)


def categorical_kl_at_positions(logits: Tensor, perturbed_logits: Tensor) -> Tensor:
    """The divergence of `categorical_kl` at each position of dense outputs.

    Args:
        logits: h, `(n, ..., num_classes)`.
        perturbed_logits: h̃, of the same shape.

    Returns:
        `(n, ...)`, in nats.

    Raises:
        ValueError: there are fewer than 2 classes.

    Example:
        >>> from zoo.regularizers.math.divergences import categorical_kl_at_positions
        >>> categorical_kl_at_positions(np.zeros((2, 5, 3)), np.zeros((2, 5, 3))).shape.as_list()
        [2, 5]
    """
    check_classes("The categorical divergence needs", logits)
    log_p, log_q = log_probabilities(logits), log_probabilities(perturbed_logits)
    return ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)


def boosted_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """`−log p_y − log(1 − max_{k≠y} p_k)`: the cross-entropy, plus a penalty on the likeliest wrong class.

    Args:
        logits: `(n, ..., num_classes)`.
        targets: one-hot labels, of the same shape. Of soft labels, the largest entry is y.

    Returns:
        `(n, ...)`, in nats.

    Source: Wang, Zou, Yi, Bailey, Ma, Gu, 2020, "Improving adversarial robustness requires revisiting misclassified
    examples", ICLR, https://openreview.net/forum?id=rklOg6EFwS.

    Example:
        >>> from zoo.regularizers.math.divergences import boosted_cross_entropy
        >>> value = boosted_cross_entropy(np.log([[0.5, 0.25, 0.25]]), np.array([[1.0, 0.0, 0.0]]))
        >>> round(float(np.exp(-value)[0]), 3)  # 0.5 · (1 − 0.25)
        0.375
    """
    log_p = log_probabilities(logits)
    none = ops.full_like(log_p, 2 * IMPOSSIBLE)  # less than any log-probability
    is_true = ops.one_hot(ops.argmax(targets, axis=-1), logits.shape[-1], dtype=log_p.dtype) > 0.5
    wrong = ops.argmax(ops.where(is_true, none, log_p), axis=-1)
    is_wrong = ops.one_hot(wrong, logits.shape[-1], dtype=log_p.dtype) > 0.5
    # log(1 − p) is a logsumexp over the other classes: for p near 1, the difference 1 − p has few correct digits.
    rest = ops.logsumexp(ops.where(is_wrong, none, log_p), axis=-1)
    return -ops.sum(targets * log_p, axis=-1) - rest


def log_unit_probabilities(logits: Tensor) -> tuple[Tensor, Tensor]:
    """`log p` and `log(1 − p)` with `p = sigmoid(h)`. They stay finite for a logit of ±∞.

    Args:
        logits: h, `(n, k)`.

    Returns:
        A pair `(n, k)`.

    Example:
        >>> from zoo.regularizers.math.divergences import log_unit_probabilities
        >>> [float(np.exp(each)[0]) for each in log_unit_probabilities(np.array([0.0]))]
        [0.5, 0.5]
    """
    return ops.maximum(ops.log_sigmoid(logits), IMPOSSIBLE), ops.maximum(ops.log_sigmoid(-logits), IMPOSSIBLE)


def bernoulli_kl(logits: Tensor, perturbed_logits: Tensor, mask: Tensor | None = None) -> Tensor:
    """`KL = Σ_k [p_k (log p_k − log p̃_k) + (1 − p_k)(log(1 − p_k) − log(1 − p̃_k))]`, with `p = sigmoid(h)`.

    Each unit is a label of its own, which is 1 with probability p_k.

    Args:
        logits: h, `(n, k)`.
        perturbed_logits: h̃, `(n, k)`.
        mask: of the positions of dense outputs, see `over_positions`.

    Returns:
        `(n,)`, in nats, at least 0.

    Example:
        >>> from zoo.regularizers import bernoulli_kl
        >>> round(float(bernoulli_kl(np.zeros((1, 1)), np.log([[3.0]]))[0]), 4)
        0.1438
    """
    (log_p, log_not_p), (log_q, log_not_q) = map(log_unit_probabilities, (logits, perturbed_logits))
    each = ops.exp(log_p) * (log_p - log_q) + ops.exp(log_not_p) * (log_not_p - log_not_q)
    return over_positions(ops.sum(each, axis=-1), mask)


def squared_distance(outputs: Tensor, perturbed_outputs: Tensor, mask: Tensor | None = None) -> Tensor:
    """`‖h − h̃‖²`, the squared Euclidean distance between the outputs of each example.

    Args:
        outputs: h, `(n, k)`.
        perturbed_outputs: h̃, `(n, k)`.
        mask: of the positions of dense outputs, see `over_positions`.

    Returns:
        `(n,)`, at least 0.

    Example:
        >>> np.asarray(zoo.regularizers.squared_distance(np.array([[3.0, 4.0]]), np.zeros((1, 2))))
        array([25.])
    """
    return over_positions(ops.sum(ops.square(outputs - perturbed_outputs), axis=-1), mask)


def gaussian_kl(means: Tensor, stds: Tensor, other_means: Tensor, other_stds: Tensor) -> Tensor:
    """`KL[N(μ, diag σ²) ‖ N(m, diag τ²)] = −½ Σ_k [1 + 2 log(σ_k/τ_k) − (σ_k² + (μ_k − m_k)²)/τ_k²]`.

    Args:
        means: μ, `(n, k)`.
        stds: σ, above 0, broadcastable to `(n, k)`.
        other_means: m, `(n, k)`.
        other_stds: τ, above 0, broadcastable to `(n, k)`.

    Returns:
        `(n,)`, in nats, at least 0.

    Source: Abbas, Kivinen, Raiko, 2016, "Understanding regularization by virtual adversarial training, ladder networks
    and others", appendix A, equation 6.

    Example:
        >>> means, stds = np.zeros((1, 2)), np.ones((1, 2))
        >>> np.asarray(zoo.regularizers.gaussian_kl(means, stds, means + 1.0, stds))
        array([1.])
    """
    stds, other_stds = ops.broadcast_to(stds, means.shape), ops.broadcast_to(other_stds, means.shape)
    squares = (ops.square(stds) + ops.square(means - other_means)) / ops.square(other_stds)
    return -0.5 * ops.sum(1 + 2 * ops.log(stds / other_stds) - squares, axis=-1)


def entropy(logits: Tensor, distribution: str = "categorical", mask: Tensor | None = None) -> Tensor:
    """`H[p] = −Σ_k p_k log p_k`, the entropy of the prediction for each example.

    Args:
        logits: h with `p = softmax(h)`, `(n, num_classes)`.
        distribution: `"categorical"`; or `"bernoulli"` for `p = sigmoid(h)`, with the sum over the units.
        mask: of the positions of dense outputs, see `over_positions`.

    Returns:
        `(n,)`, in nats, from 0 to `log(num_classes)`, or to `k·log(2)` for k Bernoulli units.

    Raises:
        ValueError: `distribution` is unknown, or there are fewer than 2 classes.

    Example:
        >>> np.exp(zoo.regularizers.entropy(np.zeros((1, 4)))).round(4)
        array([4.])
    """
    if check_choice("distribution", distribution, ("categorical", "bernoulli")) == "bernoulli":
        each = [-ops.exp(log_p) * log_p for log_p in log_unit_probabilities(logits)]
        return over_positions(ops.sum(each[0] + each[1], axis=-1), mask)
    check_classes("The entropy needs", logits)
    log_p = log_probabilities(logits)
    return over_positions(-ops.sum(ops.exp(log_p) * log_p, axis=-1), mask)


DIVERGENCES = {"categorical": categorical_kl, "bernoulli": bernoulli_kl, "gaussian": squared_distance}
"""The divergence of each distribution of outputs, for Gaussian outputs up to a factor."""
