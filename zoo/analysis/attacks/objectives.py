"""What attacks maximize: functions of logits, example by example."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.analysis.logits import Prediction
from zoo.backend.derivatives import linearize
from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import log_unit_probabilities
from zoo.regularizers.math.per_example import over_positions

Tensor = Any  # a tensor of the backend, or a NumPy array
TINY = 1e-12


def check_decides_once(what: str, prediction: Prediction) -> None:
    """Refuses networks that decide more than once for each example.

    Args:
        what: what needs one decision, the beginning of the message.
        prediction: of the network.

    Raises:
        ValueError: the outputs are multi-label or dense.

    Example:
        >>> from zoo.analysis.attacks.objectives import check_decides_once
        >>> from zoo.analysis.logits import Prediction
        >>> check_decides_once("FAB", Prediction(np.zeros((2, 3)), "categorical"))
    """
    if not prediction.decides_once:
        kind = "multi-label" if prediction.distribution == "bernoulli" else "dense"
        raise ValueError(
            f"{what} needs one class for each example, to find another one; received {kind} outputs of shape "
            f"{(None, *prediction.logits.shape[1:])}. PGD, APGD with loss='ce' and Square take them."
        )


def _of_class(logits: Tensor, classes: Tensor) -> Tensor:
    """The logit of one class of each example and position, `(n, ...)`."""
    return ops.sum(ops.one_hot(classes, logits.shape[-1], dtype=logits.dtype) * logits, axis=-1)


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """`max_{i≠y} z_i − z_y`: above 0 if and only if an input is misclassified.

    Args:
        logits: z, `(n, k)`.
        labels: y, class indices, `(n,)`.

    Returns:
        `(n,)`.

    Example:
        >>> from zoo.analysis.attacks.objectives import margin
        >>> np.asarray(margin(np.array([[3.0, 1.0, 2.0]]), np.array([0])))
        array([-1.])
    """
    own = ops.cast(ops.one_hot(labels, logits.shape[-1]), "bool")
    others = ops.where(own, ops.full_like(logits, -float("inf")), logits)
    return ops.max(others, axis=-1) - _of_class(logits, labels)


def difference(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """`z_t − z_y`, with the target t.

    Args:
        logits: z, `(n, k)`.
        labels: y, class indices, `(n,)`.
        targets: t, class indices, `(n,)`.

    Returns:
        `(n,)`.

    Example:
        >>> from zoo.analysis.attacks.objectives import difference
        >>> np.asarray(difference(np.array([[3.0, 1.0, 2.0]]), np.array([0]), np.array([1])))
        array([-2.])
    """
    return _of_class(logits, targets) - _of_class(logits, labels)


def cross_entropy(logits: Tensor, labels: Tensor, distribution: str = "categorical") -> Tensor:
    """`−log softmax(z)_y`, or the sum of the binary cross-entropies over the labels; the mean over positions.

    Args:
        logits: z, `(n, ..., k)`.
        labels: y, class indices, `(n, ...)`; for Bernoulli units 0 or 1, `(n, ..., k)`; −1 at positions of dense
            outputs that do not count.
        distribution: `"categorical"` or `"bernoulli"`.

    Returns:
        `(n,)`.

    Example:
        >>> from zoo.analysis.attacks.objectives import cross_entropy
        >>> np.exp(-cross_entropy(np.log([[0.75, 0.25]]), np.array([0]))).round(4)
        array([0.75])
    """
    counts = ops.convert_to_tensor(labels) >= 0
    if distribution == "bernoulli":
        (log_p, log_not_p), labels = log_unit_probabilities(logits), ops.cast(labels, logits.dtype)
        return over_positions(-ops.sum(labels * log_p + (1 - labels) * log_not_p, axis=-1), counts[..., 0])
    return over_positions(ops.logsumexp(logits, axis=-1) - _of_class(logits, labels), counts)


def difference_of_logits_ratio(logits: Tensor, labels: Tensor) -> Tensor:
    """DLR: `−(z_y − max_{i≠y} z_i)/(z_π1 − z_π3)`, with the logits in decreasing order π.

    Adding a number to all logits, or multiplying them by a positive one, does not change it.

    Args:
        logits: z, `(n, k)`, of at least 3 classes.
        labels: y, class indices, `(n,)`.

    Returns:
        `(n,)`.

    Source: Croce, Hein, 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", https://arxiv.org/abs/2003.01690, equation 6.

    Example:
        >>> from zoo.analysis.attacks.objectives import difference_of_logits_ratio
        >>> np.asarray(difference_of_logits_ratio(np.array([[5.0, 3.0, 1.0]]), np.array([0]))).round(6)
        array([-0.5])
    """
    largest, _ = ops.top_k(logits, 3)
    return margin(logits, labels) / (largest[:, 0] - largest[:, 2] + TINY)


def targeted_difference_of_logits_ratio(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Targeted DLR: `−(z_y − z_t)/(z_π1 − (z_π3 + z_π4)/2)`, with the logits in decreasing order π.

    Args:
        logits: z, `(n, k)`, of at least 4 classes.
        labels: y, class indices, `(n,)`.
        targets: t, class indices, `(n,)`.

    Returns:
        `(n,)`.

    Source: as for `difference_of_logits_ratio`, equation 7.

    Example:
        >>> from zoo.analysis.attacks.objectives import targeted_difference_of_logits_ratio
        >>> logits = np.array([[5.0, 3.0, 1.0, 1.0]])
        >>> np.asarray(targeted_difference_of_logits_ratio(logits, np.array([0]), np.array([2]))).round(6)
        array([-1.])
    """
    largest, _ = ops.top_k(logits, 4)
    return difference(logits, labels, targets) / (largest[:, 0] - (largest[:, 2] + largest[:, 3]) / 2 + TINY)


def likeliest_others(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The classes of each example without its label, the likeliest first.

    Args:
        logits: `(n, k)`.
        labels: class indices, `(n,)`.

    Returns:
        Class indices, `(n, k − 1)`.

    Example:
        >>> from zoo.analysis.attacks.objectives import likeliest_others
        >>> likeliest_others(np.array([[3.0, 1.0, 2.0]]), np.array([0]))
        array([[2, 1]], dtype=int32)
    """
    own = np.eye(logits.shape[-1], dtype=bool)[labels]
    order = np.argsort(np.where(own, np.inf, -logits), axis=-1, kind="stable")
    return order[:, :-1].astype("int32")


def objective(
    loss: str, num_classes: int, targeted: bool, distribution: str = "categorical"
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The function that an attack maximizes.

    Too few classes leave the ratios undefined. Then the numerator remains, which has the same sign.

    Args:
        loss: `"ce"` or `"dlr"`.
        num_classes: number of logits.
        targeted: whether to approach targets, and not just to leave the labels.
        distribution: `"categorical"`; or `"bernoulli"`, for which `loss` is `"ce"` and there are no targets.

    Returns:
        `(logits, labels, targets) -> (n,)`.

    Example:
        >>> from zoo.analysis.attacks.objectives import objective
        >>> np.asarray(objective("dlr", 2, True)(np.array([[3.0, 1.0]]), np.array([0]), np.array([1])))
        array([-2.])
    """
    if targeted and loss == "ce":
        return lambda logits, labels, targets: -cross_entropy(logits, targets)
    if targeted:
        return difference if num_classes < 4 else targeted_difference_of_logits_ratio
    if loss == "ce":
        return lambda logits, labels, targets: cross_entropy(logits, labels, distribution)
    untargeted = margin if num_classes < 3 else difference_of_logits_ratio
    return lambda logits, labels, targets: untargeted(logits, labels)


def ascent(
    network: Callable[[Tensor], Tensor], values: Callable[[Tensor], Tensor], x: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The objective at a batch of inputs, and the direction of its gradient.

    The gradient in the logits is normalized example by example before it is pulled back. Confident predictions
    therefore keep a gradient, where their cross-entropy has one below the smallest number.

    Args:
        network: from inputs to logits. It must not let examples act on each other.
        values: objective as a function of the logits, `(n, k) -> (n,)`.
        x: `(n, ...)`.

    Returns:
        Values `(n,)`, logits `(n, k)`, and gradients `(n, ...)` up to a positive factor for each example.

    Example:
        >>> from zoo.analysis.attacks.objectives import ascent
        >>> x = keras.ops.convert_to_tensor([[3.0, 1.0]])
        >>> np.asarray(ascent(lambda x: x * 1.0, lambda logits: 10 * logits[:, 0], x)[2])
        array([[1., 0.]], dtype=float32)
    """
    linear = linearize(lambda x: (network(x), ()), x)
    by_logits = linearize(lambda logits: (values(logits), ()), linear.outputs)
    cotangents = per_example.normalize(by_logits.vjp(ops.ones_like(by_logits.outputs)))
    return by_logits.outputs, linear.outputs, linear.vjp(ops.cast(cotangents, linear.outputs.dtype))
