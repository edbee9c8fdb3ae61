"""The decisions of a classifier, compared with labels."""

from typing import Any

from keras import ops

from zoo.regularizers.math.per_example import over_positions

Tensor = Any  # a tensor of the backend, or a NumPy array


def share_misclassified(logits: Tensor, labels: Tensor, distribution: str) -> Tensor:
    """The share of wrong decisions of each example: 0 or 1 if there is one decision for each example.

    Dense outputs decide at each position, and multi-label outputs for each label. With several labels, 1 minus the mean
    share is Keras's `BinaryAccuracy`. A label of −1 marks a position that does not count, such as padding.

    Args:
        logits: `(n, ..., k)`.
        labels: class indices, `(n, ...)`; for Bernoulli units 0 or 1, `(n, ..., k)`; of dense outputs also −1.
        distribution: `"categorical"` or `"bernoulli"`.

    Returns:
        `(n,)`, from 0 to 1, which is exactly 1 if all decisions are wrong. 0 if no position counts.

    Example:
        >>> from zoo.regularizers.math.decisions import share_misclassified
        >>> np.asarray(share_misclassified(np.array([[2.0, -1.0]]), np.array([[1, 1]]), "bernoulli"))
        array([0.5], dtype=float32)
    """
    if distribution == "bernoulli":
        wrong = (logits > 0) != (ops.cast(labels, logits.dtype) > 0.5)
    else:
        wrong = ops.cast(ops.argmax(logits, axis=-1), "int32") != ops.cast(labels, "int32")
    if len(wrong.shape) == 1:
        return ops.cast(wrong, "float32")
    counts = ops.convert_to_tensor(labels) >= 0
    shares = over_positions(ops.cast(wrong, "float32"), counts)
    # XLA multiplies by 1/n, and n times the rounded 1/n is below 1 for some n.
    axes = tuple(range(1, len(wrong.shape)))
    every = ops.all(wrong | ~counts, axis=axes) & ops.any(counts, axis=axes)
    return ops.where(every, ops.ones_like(shares), shares)
