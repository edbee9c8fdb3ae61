"""Linear classifiers, whose smallest adversarial perturbations are known."""

import numpy as np
from keras import ops


def linear_classifier(num_classes=5, shape=(4, 4, 1), number=12, seed=0):
    """The network `x -> flatten(x)·W`, W, inputs in the box from −1 to 1, and the network's own decisions."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(int(np.prod(shape)), num_classes))
    x = rng.uniform(-1, 1, size=(number, w.shape[0]))
    y = (x @ w).argmax(axis=-1)
    if num_classes > 2:
        x = x.reshape(number, *shape)
    return (lambda x: ops.matmul(ops.reshape(x, (-1, w.shape[0])), ops.convert_to_tensor(w))), w, x, y


def smallest_perturbations(w, x, y, norm):
    """`min_k (z_y − z_k)/‖w_k − w_y‖_*` with the dual norm: 1 for L∞, 2 for L2; `(n,)`."""
    z = x.reshape(len(x), -1) @ w
    found = np.full(len(x), np.inf)
    for k in range(w.shape[1]):
        normal = w[:, [k]] - w[:, y]
        dual = np.abs(normal).sum(axis=0) if norm == "linf" else np.linalg.norm(normal, axis=0)
        distance = (z[np.arange(len(x)), y] - z[:, k]) / np.maximum(dual, 1e-12)
        found = np.where(y == k, found, np.minimum(found, distance))
    return found
