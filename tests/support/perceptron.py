"""A small network with its derivatives in NumPy and float64: the reference of many tests."""

import numpy as np
from keras import ops

from tests.support.numpy_reference import softmax


class Perceptron:
    """`h = tanh(x·W + b)·V` with its Jacobian, in NumPy and float64."""

    def __init__(self, num_inputs=5, num_hidden=6, num_logits=3, seed=0):
        rng = np.random.default_rng(seed)
        self.w = rng.normal(size=(num_inputs, num_hidden))
        self.b = rng.normal(size=num_hidden)
        self.v = rng.normal(size=(num_hidden, num_logits))

    def __call__(self, x, w=None):
        return np.tanh(x @ (self.w if w is None else w) + self.b) @ self.v

    def jacobian(self, x):
        """J of every example, `(n, num_logits, num_inputs)`."""
        slopes = 1 - np.tanh(x @ self.w + self.b) ** 2
        return np.einsum("dh,nh,hk->nkd", self.w, slopes, self.v)

    def tensors(self, x, w=None):
        """The same function of tensors, of inputs of any shape."""
        w, b, v = (ops.convert_to_tensor(a, dtype=x.dtype) for a in (self.w if w is None else w, self.b, self.v))
        # tanh by exp: under JAX, Keras's own one returns single precision.
        hidden = 1 - 2 / (ops.exp(2 * (ops.matmul(ops.reshape(x, (x.shape[0], -1)), w) + b)) + 1)
        return ops.matmul(hidden, v)


def cross_entropy_of(targets):
    """The losses of logits with these targets `(n, k)`, or with the first of them: `(m, k) -> (m,)`."""

    def losses(logits):
        rows = ops.convert_to_tensor(targets[: logits.shape[0]], dtype=logits.dtype)
        return -ops.sum(rows * ops.log_softmax(logits), axis=-1)

    return losses


def fisher_information(logits, jacobian):
    """The Fisher information `JᵀFJ` in the input, `(n, d, d)`, of softmax outputs."""
    p = softmax(logits)
    by_logits = np.einsum("nk,kl->nkl", p, np.eye(p.shape[-1])) - np.einsum("nk,nl->nkl", p, p)
    return np.einsum("nkd,nkl,nle->nde", jacobian, by_logits, jacobian)
