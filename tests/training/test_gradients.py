"""The gradient of the objective in the weights against central differences, in double precision."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo import AdversarialWeightPerturbation as AWP
from zoo.regularizers import ball_attack
from zoo.regularizers.math.divergences import DIVERGENCES

RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(5, 3, 3, 1)), np.asarray([0, 1, 2, 1, 0], "int32")
DIRECTIONS = 2

# The methods of each regularizer whose value is constant in the weights.
CONSTANTS = {
    "at": (zoo.AdversarialTraining(0.7), ()),
    "at_gradient": (zoo.AdversarialTraining(0.7, noise="gradient"), ()),
    "at_pgd": (zoo.AdversarialTraining(0.7, norm="linf", num_steps=3), ("perturbed_inputs",)),
    "at_random_start": (zoo.AdversarialTraining(0.7, random_start=True), ("perturbed_inputs",)),
    "vat": (zoo.VirtualAdversarialTraining(0.7), ("perturbation", "target")),
    "trades": (zoo.Trades(0.7, num_steps=3, weight=1.0), ("perturbed_inputs",)),
    "mart": (zoo.Mart(0.7, num_steps=3, divergence_weight=2.0), ("perturbed_inputs",)),
    "awp_trades": (AWP(zoo.Trades(0.7, num_steps=2, weight=1.0), gamma=0.1), ("weight_perturbation",)),
    "awp_at": (AWP(zoo.AdversarialTraining(0.7, num_steps=2), gamma=0.1), ("weight_perturbation",)),
    "awp_alone": (AWP(gamma=0.1), ("weight_perturbation",)),
    "vat_gaussian": (
        zoo.VirtualAdversarialTraining(0.7, distribution="gaussian", output_std=0.5),
        ("perturbation", "target"),
    ),
    "vat_xi": (zoo.VirtualAdversarialTraining(0.7, xi=0.1), ("perturbation", "target")),
    "rpt": (zoo.VirtualAdversarialTraining(0.7, direction="random"), ("target",)),
    "entropy": (zoo.EntropyMinimization(), ()),
    "vmt_shift": (zoo.VirtualMovementTraining("shift"), ()),
    "vmt_rotation": (zoo.VirtualMovementTraining("rotation"), ()),
    "vmt_affine": (zoo.VirtualMovementTraining("affine"), ()),
    "vmt_all": (zoo.VirtualMovementTraining("all", normalization="example"), ()),
    "smoothness": (zoo.Smoothness(0.3), ()),
    "smoothness_kl": (zoo.Smoothness(0.7, direction="adversarial", divergence="kl"), ("perturbation",)),
    "smoothness_adversarial": (zoo.Smoothness(0.7, direction="adversarial"), ("perturbation",)),
    "jacobian": (zoo.JacobianPenalty(), ()),
    "jacobian_projected": (zoo.JacobianPenalty(num_projections=2), ()),
    "weight_noise": (zoo.WeightNoise(0.2), ()),
    "parameter_tying": (zoo.ParameterTying("second", "third"), ()),
}


def mean(x, axis=None):
    total = ops.sum(x, axis=axis)
    return total * (math.prod(total.shape) / math.prod(x.shape))


@pytest.fixture
def double(model, monkeypatch):
    """Makes a compiled model in double precision, with the penalty at twice its weight."""
    monkeypatch.setattr(ops, "mean", mean)  # on JAX, Keras's mean computes in single precision
    keras.config.set_floatx("float64")
    keras.mixed_precision.set_dtype_policy("float64")

    def make(regularizer, normalization=None):
        network = keras.Sequential([keras.Input((3, 3, 1)), layers.Flatten()])
        for name in ("first", "second", "third"):
            network.add(layers.Dense(4, activation="softplus", bias_initializer="normal", name=name))
            if normalization and name != "third":
                network.add(normalization(epsilon=0.1))
        network.add(layers.Dense(3))
        made = model(network, 2.0 * regularizer if regularizer is not None else None)
        made.build(X.shape)
        return made

    return make


def hold(function, place=None):
    """The function, holding its first value, or its argument number `place` at the first call."""
    kept = []

    def held(*arguments):
        if place is None:
            kept[:] = kept or [function(*arguments)]
            return kept[0]
        kept[:] = kept or [arguments[place]]
        return function(*arguments[:place], kept[0], *arguments[place + 1 :])

    return held


def hold_constants(regularizer, constants, monkeypatch):
    """Fixes the constants of the regularizer at their values in the next call."""
    for name in {"perturbation", "perturbed_inputs", "weight_perturbation"} & set(constants):
        monkeypatch.setattr(regularizer, name, hold(getattr(regularizer, name)))
    if getattr(regularizer, "regularizer", None) is not None:
        hold_constants(regularizer.regularizer, ("perturbed_inputs",), monkeypatch)
    if "target" in constants:
        held = hold(DIVERGENCES[regularizer.distribution], place=0)
        monkeypatch.setitem(DIVERGENCES, regularizer.distribution, held)
    if isinstance(regularizer, ball_attack.LossAttack):
        monkeypatch.setattr(ball_attack, "adversarial_noise", hold(ball_attack.adversarial_noise))


def compare(model, objective, analytic, step=1e-5):
    """Derivatives along random directions in all weights: analytic ones and central differences."""
    objective(model, X, Y)
    variables = model.trainable_variables
    start = [ops.convert_to_numpy(v.value) for v in variables]
    rng, pairs = np.random.default_rng(1), []
    for _ in range(DIRECTIONS):
        direction = [rng.normal(size=v.shape) for v in variables]

        def along(distance, direction=direction):
            for variable, value, change in zip(variables, start, direction, strict=True):
                variable.assign(value + distance * change)
            return objective(model, X, Y)

        expected = sum(np.sum(g * d) for g, d in zip(analytic, direction, strict=True))
        pairs.append((expected, (along(step) - along(-step)) / (2 * step)))
        along(0.0)
    return np.transpose(pairs)


@pytest.mark.parametrize("name", CONSTANTS)
def test_gradient(name, double, objective, gradients, monkeypatch):
    regularizer, constants = CONSTANTS[name]
    trained = double(regularizer)
    _, analytic = gradients(trained, X, Y)
    _, plain = gradients(double(None), X, Y)
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(analytic, plain, strict=True))
    hold_constants(trained.regularizer, constants, monkeypatch)
    np.testing.assert_allclose(*compare(trained, objective, analytic), rtol=1e-5, atol=1e-7)


def in_groups(**options):
    return layers.GroupNormalization(groups=2, **options)


@pytest.mark.parametrize(
    "name, normalization",
    [
        *(
            (name, layers.BatchNormalization)
            for name in ("at", "at_pgd", "vat", "trades", "vmt_shift", "vmt_all", "jacobian")
        ),
        *((name, layer) for layer in (layers.LayerNormalization, in_groups) for name in ("vmt_shift", "jacobian")),
    ],
)
def test_gradient_through_statistics(name, normalization, double, objective, gradients, monkeypatch):
    regularizer, constants = CONSTANTS[name]
    trained = double(regularizer, normalization)
    _, analytic = gradients(trained, X, Y)
    hold_constants(trained.regularizer, constants, monkeypatch)
    # On JAX, Keras's layer computes in single precision, so the step is long; the bound still shows terms of order 1/n.
    np.testing.assert_allclose(*compare(trained, objective, analytic, step=1e-3), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["at", "vat", "smoothness_adversarial"])
def test_check_notices_a_perturbation_that_follows_the_weights(name, double, objective, gradients):
    trained = double(CONSTANTS[name][0])
    _, analytic = gradients(trained, X, Y)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(*compare(trained, objective, analytic), rtol=1e-5, atol=1e-7)


def test_gradient_with_sample_weights_and_unlabeled_inputs(double, objective, gradients, monkeypatch):
    trained = double(zoo.VirtualMovementTraining("affine") + zoo.EntropyMinimization())
    batch = ({"labeled": X, "unlabeled": X[:2] + 1}, Y, np.asarray([0.0, 1.0, 2.0, 0.5, 1.0]))
    _, analytic = gradients(trained, *batch)
    variable, step = trained.trainable_variables[0], 1e-5
    start = ops.convert_to_numpy(variable.value)
    direction = RNG.normal(size=start.shape)
    values = []
    for distance in (step, -step):
        variable.assign(start + distance * direction)
        values.append(objective(trained, *batch))
    slope = (values[0] - values[1]) / (2 * step)
    np.testing.assert_allclose(np.sum(analytic[0] * direction), slope, rtol=1e-5)
