"""Ensembles: the mean prediction of several networks."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend import moments
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

MEANS = ("arithmetic", "geometric")


@keras.saving.register_keras_serializable(package="zoo")
class CombinedLogits(keras.layers.Layer):
    """Combines the logits of several classifiers into logits of their mean prediction.

    From logits `h_1 … h_M`, with `log p_m = log_softmax(h_m)`:

    - arithmetic: `log(1/M·Σ_m p_m)`, by log-sum-exp;
    - geometric: `log(Π_m p_m^{1/M}/Z)`, where Z makes the probabilities of the classes sum to 1.

    The outputs are normalized log-probabilities, so their softmax is the mean prediction. The layer computes in
    float32.

    Args:
        mean: `"arithmetic"` or `"geometric"`.
        **kwargs: arguments of `keras.layers.Layer`.

    Input: list of M tensors `(n, num_classes)`. Output: `(n, num_classes)` in the layer's compute dtype.

    Raises:
        ValueError: `mean` is unknown.

    Source: as for `ensemble`.

    Example:
        >>> import numpy as np
        >>> import zoo
        >>> one, other = np.log([[0.8, 0.2]]), np.log([[0.4, 0.6]])
        >>> np.exp(zoo.networks.CombinedLogits("arithmetic")([one, other])).round(2)
        array([[0.6, 0.4]], dtype=float32)
    """

    def __init__(self, mean: str = "arithmetic", **kwargs: Any):
        """Checks the mean."""
        super().__init__(**kwargs)
        self.mean = check_choice("mean", mean, MEANS)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Combines the logits of one batch."""
        logits = ops.stack([ops.cast(h, "float32") for h in inputs])
        log_probabilities = ops.log_softmax(logits, axis=-1)
        if self.mean == "arithmetic":
            total: Tensor = ops.logsumexp(log_probabilities, axis=0)
            combined = total - math.log(len(inputs))
        else:
            combined = ops.log_softmax(moments.mean(log_probabilities, axis=0), axis=-1)
        return ops.cast(combined, self.compute_dtype)

    def compute_output_shape(self, input_shape: Sequence[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Returns the shape of one input."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "mean": self.mean}


def ensemble(members: Iterable[keras.Model], mean: str = "arithmetic") -> keras.Model:
    """Joins networks into one network that returns the logits of their mean prediction.

    The ensemble shares the weights of its members and copies nothing. If the members are trained on bootstrap samples
    (`zoo.datasets.bootstrap`), their arithmetic mean is bagging.

    Args:
        members: at least one functional `keras.Model`. Their input and output shapes must be equal.
        mean: `"arithmetic"` or `"geometric"` mean of the probabilities.

    Returns:
        A functional `keras.Model` named `"ensemble"`, with the input and output shape of the members.

    Raises:
        ValueError: there is no member, a member is not functional, their shapes differ, or `mean` is unknown.

    Source: Breiman, 1996, "Bagging predictors", https://doi.org/10.1007/BF00058655; the geometric mean: Srivastava et
    al., 2014, "Dropout: a simple way to prevent neural networks from overfitting",
    https://jmlr.org/papers/v15/srivastava14a.html.

    Example:
        >>> import zoo
        >>> members = [zoo.networks.mlp((4,), num_classes=3, hidden_units=[8]) for _ in range(2)]
        >>> zoo.networks.ensemble(members).output_shape
        (None, 3)
    """
    members = list(members)
    if not members or not all(getattr(member, "inputs", None) for member in members):
        raise ValueError(f"members must be functional Keras models, at least one, received {members!r}.")
    shapes = [(member.input_shape, member.output_shape) for member in members]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"members must have equal input and output shapes, received {shapes}.")
    inputs = keras.Input(shapes[0][0][1:])
    # The layers of one model need different names, but networks of one kind have the same: each gets a named shell.
    shells = [keras.Model(m.input, m.output, name=f"member_{i}") for i, m in enumerate(members)]
    logits = CombinedLogits(mean)([shell(inputs) for shell in shells])
    return keras.Model(inputs, logits, name="ensemble")
