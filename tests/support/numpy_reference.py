"""Functions of NumPy arrays that tests compare with."""

import keras
import numpy as np

NORMS = {"linf": np.inf, "l2": 2}  # their orders


def softmax(logits):
    """The probabilities of classes."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(logits):
    """The probabilities of units."""
    return 1 / (1 + np.exp(-logits))


def sizes(perturbation, norm):
    """The norm of the perturbation of each example, `(n,)`."""
    flat = keras.ops.convert_to_numpy(perturbation).reshape(len(perturbation), -1)
    return np.linalg.norm(flat, NORMS[norm], axis=1)
