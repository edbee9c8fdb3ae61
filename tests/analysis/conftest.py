"""Networks whose derivatives are known, and images for them."""

import numpy as np
import pytest
from keras import ops

from tests.support.perceptron import Perceptron


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def perceptron():
    """A network of 5 inputs, 6 hidden units and 3 logits, in float64."""
    return Perceptron()


@pytest.fixture
def linear():
    """Makes the network `x -> flatten(x)·W + b`, in float64."""

    def make(w, b=0.0):
        return lambda x: ops.matmul(ops.reshape(x, (x.shape[0], -1)), ops.convert_to_tensor(w)) + b

    return make
