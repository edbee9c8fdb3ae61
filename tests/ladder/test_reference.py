"""The whole algorithm against an independent NumPy version, in cost and in gradient."""

import keras
import numpy as np
import pytest

from tests.ladder.conftest import CONV, DENSE, NUM_LABELED
from tests.support import ladder_reference as reference

SHAPES = {"dense": (DENSE, (6,)), "conv": (CONV, (4, 4, 2)), "odd": (CONV, (5, 6, 2))}
DECODERS = {
    "full": ([3.0, 2.0, 0.5], "gauss"),
    "bottom": ([3.0], "gauss"),
    "gamma": ([], "gauss"),
    "no signal": ([3.0], ["gauss", None]),
}


def numbers(weights):
    return [keras.ops.convert_to_numpy(w) for w in weights]


def reference_cost(model, rungs, x, y, noise):
    """The reference's cost with the model's weights as they are."""
    parts = []
    for spec, rung in zip(rungs, model.rungs, strict=True):
        gamma = 1.0 if rung.gamma is None else numbers([rung.gamma])[0]
        beta = 0.0 if rung.beta is None else numbers([rung.beta])[0]
        parts.append((spec, numbers(rung.projection.weights), beta, gamma, rung.activation))
    decoder = model.decoder
    combinators = {int(level): numbers(g.weights) for level, g in decoder.combinators.items()}
    maps = {int(level): numbers(v.weights) for level, v in decoder.maps.items()}
    return reference.cost(parts, combinators, maps, model.denoising_weights, x, y, NUM_LABELED, noise)


@pytest.fixture(params=[(s, d) for s in SHAPES for d in DECODERS], ids=lambda p: "-".join(p))
def case(request, make):
    shape, decoder = request.param
    rungs, input_shape = SHAPES[shape]
    lowest, combinators = DECODERS[decoder]
    levels = len(rungs) + 1
    weights = [*lowest, *[0.2] * levels][:levels] if decoder == "full" else [*lowest, *[0.0] * levels][:levels]
    weights[-1] = weights[-1] or float(decoder == "gamma")
    if isinstance(combinators, list):
        combinators = [*combinators, *["gauss"] * levels][:levels]
    model = make(rungs, input_shape, denoising_weights=weights, combinators=combinators)
    # TensorFlow traces a step in seconds and runs it in milliseconds. Two full ladders show the compiled one.
    traced = decoder == "full" and shape != "odd"
    model.run_eagerly = keras.backend.backend() == "tensorflow" and not traced
    return model, rungs


def test_cost(case, batch, cost):
    model, rungs = case
    x, y, noise = batch(model)
    np.testing.assert_allclose(cost(model, x, y, noise), reference_cost(model, rungs, x, y, noise), rtol=1e-12)


def test_gradient(case, batch, cost):
    """Along a random direction in all weights, against central differences of the reference."""
    model, rungs = case
    x, y, noise = batch(model)
    rng = np.random.default_rng(2)
    start = numbers(model.trainable_variables)
    direction = [rng.normal(size=value.shape) for value in start]

    def move(step):
        for variable, value, along in zip(model.trainable_variables, start, direction, strict=True):
            variable.assign(value + step * along)

    def at(step):
        move(step)
        return reference_cost(model, rungs, x, y, noise)

    step = 1e-6
    difference = (at(step) - at(-step)) / (2 * step)
    move(0.0)
    before = cost(model, x, y, noise)
    gradients = gradients_of(model, x, y)
    assert np.isfinite(before)
    slope = sum(np.sum(g * along) for g, along in zip(gradients, direction, strict=True))
    np.testing.assert_allclose(slope, difference, rtol=1e-5)


def gradients_of(model, x, y):
    """The gradient of a gradient descent step, from the weights before and after it."""
    before = numbers(model.trainable_variables)
    rate = 1e-3
    model.optimizer.learning_rate = rate
    inputs = {"labeled": x[:NUM_LABELED], "unlabeled": x[NUM_LABELED:]}
    model.train_on_batch(inputs, y)
    after = numbers(model.trainable_variables)
    return [(a - b) / rate for a, b in zip(before, after, strict=True)]
