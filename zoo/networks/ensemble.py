"""Ensembles: the mean prediction of several networks."""

import math

import keras
from keras import ops

from zoo.validation import check_choice

MEANS = ("arithmetic", "geometric")


@keras.saving.register_keras_serializable(package="zoo")
class CombinedLogits(keras.layers.Layer):
    """Logits of the mean prediction of several classifiers.

    From logits `h_1 … h_M`, with `log p_m = log_softmax(h_m)`:
    - arithmetic: `log(1/M·Σ_m p_m)`, by log-sum-exp;
    - geometric: `log(Π_m p_m^{1/M}/Z)`, Z making the classes sum to 1.
    The outputs are normalized log-probabilities, so their softmax is the mean prediction. Computed in
    float32.

    Args:
        mean: `"arithmetic"` or `"geometric"`.

    Input: list of M tensors `(n, num_classes)`. Output: `(n, num_classes)` in the layer's compute type.

    Raises:
        ValueError: `mean` is neither.
    """

    def __init__(self, mean="arithmetic", **kwargs):
        super().__init__(**kwargs)
        self.mean = check_choice("mean", mean, MEANS)

    def call(self, inputs):
        logits = ops.stack([ops.cast(h, "float32") for h in inputs])
        log_probabilities = ops.log_softmax(logits, axis=-1)
        if self.mean == "arithmetic":
            combined = ops.logsumexp(log_probabilities, axis=0) - math.log(len(inputs))
        else:
            combined = ops.log_softmax(ops.mean(log_probabilities, axis=0), axis=-1)
        return ops.cast(combined, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "mean": self.mean}


def ensemble(members, mean="arithmetic"):
    """Joins networks into one that returns the logits of their mean prediction.

    The members share their weights with the ensemble: nothing is copied. Trained on bootstrap samples
    (`zoo.datasets.bootstrap`) their arithmetic mean is bagging.

    Args:
        members: functional `keras.Model`s from equal input shapes to equally many logits, at least one.
        mean: `"arithmetic"` or `"geometric"` mean of the probabilities.

    Returns:
        A functional `keras.Model` named `"ensemble"`, of the members' input and output shape.

    Raises:
        ValueError: there is no member, one is not functional, their shapes differ, or `mean` is unknown.

    Source: Breiman, "Bagging predictors", 1996; Srivastava et al., "Dropout", 2014, for the geometric mean.
    """
    members = list(members)
    if not members or not all(getattr(member, "inputs", None) for member in members):
        raise ValueError(f"members must be functional Keras models, at least one, received {members!r}.")
    shapes = [(member.input_shape, member.output_shape) for member in members]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"members must have equal input and output shapes, received {shapes}.")
    inputs = keras.Input(shapes[0][0][1:])
    # Models of equal name, as networks of one kind have, cannot stand in one model: each gets a named shell.
    shells = [keras.Model(m.input, m.output, name=f"member_{i}") for i, m in enumerate(members)]
    logits = CombinedLogits(mean)([shell(inputs) for shell in shells])
    return keras.Model(inputs, logits, name="ensemble")
