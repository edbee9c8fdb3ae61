"""Clean passes over plain functions, and gradients, for tests against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support import numpy_reference
from tests.support.perceptron import Perceptron, fisher_information
from zoo.backend.derivatives import linearize
from zoo.regularizers import CleanPass
from zoo.regularizers.math.field_bases import centered_coordinates


class Quadratics:
    """Random quadratics of the position: central differences are exact for them, wherever both neighbors exist."""

    num_examples = 3

    def __init__(self, lattice, channels, seed=7):
        rng = np.random.default_rng(seed)
        m, shape = len(lattice), (self.num_examples, 1, channels)
        self.lattice, self.positions = lattice, centered_coordinates(lattice)
        self.constant = rng.normal(size=shape)
        self.slope = rng.normal(size=(*shape, m))
        self.curvature = rng.normal(size=(*shape, m, m))
        inside = np.pad(np.ones([n - 2 for n in lattice]), 1).reshape(1, -1, 1)
        self.g = rng.normal(size=(self.num_examples, len(self.positions), channels)) * inside

    def at(self, movements=0.0):
        """`I(p + V_p)`, `(n, positions, channels)`, for movements that broadcast to `(n, positions, m)`."""
        p = (self.positions + movements)[..., None, :]
        return self.constant + np.sum(self.slope * p, -1) + np.einsum("...i,...ij,...j->...", p, self.curvature, p)

    @property
    def inputs(self):
        return self.at().reshape(self.num_examples, *self.lattice, -1)

    def derivative(self, movements):
        """`[L(I(p + V)) − L(I(p − V))]/2` of the loss `Σ g·I`, `(n,)`, as the lattice moves both ways."""
        return np.sum(self.g * (self.at(movements) - self.at(-movements)), axis=(1, 2)) / 2


@pytest.fixture
def perceptron():
    return Perceptron


@pytest.fixture
def clean_pass():
    """Builds the `CleanPass` of `function: x -> logits` over a NumPy array."""

    def build(function, x, losses=None, num_labeled=None, **options):
        x = ops.convert_to_tensor(x)
        clean = linearize(lambda x: (function(x), ()), x)
        return CleanPass(
            inputs=x,
            logits=clean.outputs,
            forward=lambda x, weights=(): function(x),
            losses=losses,
            num_labeled=x.shape[0] if num_labeled is None else num_labeled,
            jvp=clean.jvp,
            vjp=clean.vjp,
            **{"seed": keras.random.SeedGenerator(0), **options},
        )

    return build


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def quadratics():
    return Quadratics


@pytest.fixture
def images_pass(clean_pass):
    """The pass over images whose loss is `c·Σ g·I`."""

    def build(images, scale=1.0, **options):
        g = ops.convert_to_tensor(scale * images.g.reshape(images.num_examples, -1))
        return clean_pass(
            lambda x: ops.sum(g * ops.reshape(x, g.shape), axis=-1, keepdims=True),
            images.inputs,
            lambda logits: logits[:, 0],
            **options,
        )

    return build


@pytest.fixture
def linear():
    """Makes `x -> flatten(x)·W + b` of NumPy arrays or tensors."""

    def make(w, b=0.0):
        return lambda x: ops.matmul(ops.reshape(x, (x.shape[0], -1)), ops.convert_to_tensor(w)) + b

    return make


@pytest.fixture
def gradient():
    """The gradient of a scalar `function` of one tensor, at a NumPy array."""

    def differentiate(function, at):
        at = linearize(lambda a: (function(a), ()), ops.convert_to_tensor(at))
        return ops.convert_to_numpy(at.vjp(ops.ones_like(at.outputs)))

    return differentiate


@pytest.fixture
def difference():
    """Central differences of a scalar NumPy function in all entries of an array."""

    def differentiate(function, at, step=1e-5):
        result = np.zeros_like(at)
        for index in np.ndindex(at.shape):
            moved = np.zeros_like(at)
            moved[index] = step
            result[index] = (function(at + moved) - function(at - moved)) / (2 * step)
        return result

    return differentiate


@pytest.fixture
def softmax():
    return numpy_reference.softmax


@pytest.fixture
def fisher():
    return fisher_information
