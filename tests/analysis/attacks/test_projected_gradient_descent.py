"""Projected gradient descent against closed forms and against Foolbox, step by step."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.numpy_reference import NORMS, sizes
from zoo.analysis import loss_gradient, projected_gradient_descent, sign_noise

BACKEND = keras.backend.backend()
needs_foolbox = pytest.mark.skipif(
    importlib.util.find_spec("foolbox") is None, reason="Foolbox is not installed: pip install '.[dev]'"
)
EPSILON, STEP = 0.3, 0.05


@pytest.fixture
def network(rng):
    network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(3)])
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    return network


@pytest.fixture
def data(rng):
    return rng.uniform(-1, 1, size=(12, 6)).astype("float32"), np.arange(
        12
    ) % 3  # int64, because Foolbox compares only these labels with TensorFlow's


@pytest.mark.parametrize("norm", NORMS)
def test_linear_classifiers_are_moved_to_the_worst_point_of_the_ball(linear, rng, norm):
    w, x, y = rng.normal(size=(5, 2)), rng.normal(size=(8, 5)), np.arange(8) % 2
    normal = (w[:, 1] - w[:, 0]) * np.where(y == 0, 1, -1)[:, None]
    steepest = np.sign(normal) if norm == "linf" else normal / np.linalg.norm(normal, axis=1, keepdims=True)
    for num_steps in (1, 2, 20):
        attacked = projected_gradient_descent(linear(w), x, y, 0.4, norm=norm, num_steps=num_steps, random_start=False)
        np.testing.assert_allclose(attacked, x + 0.4 * steepest, rtol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("random_start", [False, True])
def test_the_perturbation_stays_in_the_ball_and_in_the_range(network, data, norm, random_start):
    options = {"seed": keras.random.SeedGenerator(0), "norm": norm, "random_start": random_start}
    x, y = data
    attacked = projected_gradient_descent(network, x, y, EPSILON, **options)
    assert np.all(sizes(attacked - x, norm) <= EPSILON * (1 + 1e-5))
    clipped = projected_gradient_descent(network, x, y, EPSILON, input_range=(-0.8, 0.8), **options)
    assert np.abs(clipped).max() <= np.float32(0.8) and np.abs(attacked).max() > 0.9
    nothing = projected_gradient_descent(network, x, y, 0.0, **options)
    np.testing.assert_allclose(nothing, x, atol=1e-7)


@pytest.mark.parametrize("norm", NORMS)
def test_twenty_steps_are_worse_than_one(network, data, norm):
    x, y = data

    def losses(inputs):
        return ops.convert_to_numpy(keras.losses.sparse_categorical_crossentropy(y, network(inputs), from_logits=True))

    options = {"norm": norm, "random_start": False}
    one, twenty = (projected_gradient_descent(network, x, y, 1.0, num_steps=k, **options) for k in (1, 20))
    assert losses(x).mean() < losses(one).mean() < losses(twenty).mean()


def test_random_starts_differ_and_the_seed_decides(network, data):
    first, again, other = (
        ops.convert_to_numpy(
            projected_gradient_descent(network, *data, EPSILON, keras.random.SeedGenerator(s), norm="l2", num_steps=1)
        )
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.all(np.any(first != other, axis=1))


@pytest.fixture
def foolbox_model(network):
    """The network for Foolbox, which computes its own gradients and steps."""
    import foolbox

    if BACKEND == "jax":
        return foolbox.JAXModel(lambda x: network(x, training=False), bounds=(-0.9, 0.9))
    return foolbox.TensorFlowModel(network, bounds=(-0.9, 0.9))


def run_foolbox(attack, model, x, y):
    _, attacked, _ = attack(model, ops.convert_to_tensor(x), ops.convert_to_tensor(y), epsilons=EPSILON)
    return ops.convert_to_numpy(attacked)


@needs_foolbox
@pytest.mark.parametrize("norm", NORMS)
def test_foolbox_takes_the_same_steps(network, foolbox_model, data, norm):
    import foolbox

    attacks = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}
    x, y = np.clip(data[0], -0.9, 0.9), data[1]
    options = {"norm": norm, "step_size": STEP, "random_start": False}
    own = projected_gradient_descent(network, x, y, EPSILON, input_range=(-0.9, 0.9), **options)
    theirs = run_foolbox(attacks[norm](steps=20, abs_stepsize=STEP, random_start=False), foolbox_model, x, y)
    np.testing.assert_allclose(own, theirs, atol=1e-4)
    other = projected_gradient_descent(network, x, y, EPSILON, **options)
    assert np.abs(other - theirs).max() > 1e-2  # the range matters


@needs_foolbox
def test_foolbox_has_the_same_fast_gradient_sign(network, foolbox_model, data):
    import foolbox

    x, y = np.clip(data[0], -0.9, 0.9), data[1]
    theirs = run_foolbox(foolbox.attacks.LinfFastGradientAttack(random_start=False), foolbox_model, x, y)
    np.testing.assert_allclose(sign_noise(network, x, y, EPSILON, input_range=(-0.9, 0.9)), theirs, atol=1e-6)
    assert np.all(np.abs(loss_gradient(network, x, y)) > 1e-9)  # no sign is due to rounding


@pytest.mark.parametrize(
    "options, message",
    [
        ({"norm": "l3"}, "Unknown norm 'l3'. Did you mean 'l2'"),
        ({"norm": "l2", "num_steps": 0}, "num_steps must be at least 1, received 0"),
        ({"norm": "l2", "step_size": -1.0}, "step_size must be at least 0, received -1.0"),
        ({"norm": "l2", "input_range": (1, 0)}, "increasing pair"),
    ],
)
def test_bad_input(network, data, options, message):
    with pytest.raises(ValueError, match=message):
        projected_gradient_descent(network, *data, EPSILON, **options)


@pytest.mark.parametrize("epsilon", [-1.0, np.nan])
def test_a_radius_below_zero(network, data, epsilon):
    with pytest.raises(ValueError, match=f"epsilon must be at least 0, received {epsilon}"):
        projected_gradient_descent(network, *data, epsilon, norm="linf")


@pytest.mark.parametrize("norm", NORMS)
def test_momentum_restarts_and_targets_stay_in_the_ball(network, data, norm):
    x, y = data
    options = {"seed": 0, "norm": norm, "num_steps": 5, "input_range": (-0.9, 0.9)}
    for more in ({"momentum": 0.9}, {"num_restarts": 3}, {"num_targets": 2}, {"num_restarts": 2, "num_targets": 5}):
        moved = projected_gradient_descent(network, np.clip(x, -0.9, 0.9), y, EPSILON, **options, **more)
        assert np.all(sizes(moved - np.clip(x, -0.9, 0.9), norm) <= EPSILON * (1 + 1e-5))
        assert np.abs(moved).max() <= np.float32(0.9)


def test_momentum_adds_up_normalized_gradients(linear, rng):
    """On a linear classifier of two classes the direction never changes, so momentum does not either."""
    w, x, y = rng.normal(size=(5, 2)), rng.normal(size=(8, 5)), np.arange(8) % 2
    options = {"norm": "l2", "num_steps": 3, "step_size": 0.1, "random_start": False}
    plain, heavy = (projected_gradient_descent(linear(w), x, y, 1.0, momentum=m, **options) for m in (0.0, 0.9))
    np.testing.assert_allclose(plain, heavy, rtol=1e-6)


def test_momentum_follows_its_equation(network, data):
    x, y = data
    g, moved = 0.0, x
    for _ in range(3):
        gradient = ops.convert_to_numpy(loss_gradient(network, moved, y))
        g = 0.8 * g + gradient / np.abs(gradient).sum(axis=1, keepdims=True)
        moved = np.clip(moved + STEP * np.sign(g), x - EPSILON, x + EPSILON)
    options = {"norm": "linf", "num_steps": 3, "step_size": STEP, "random_start": False}
    np.testing.assert_allclose(
        projected_gradient_descent(network, x, y, EPSILON, momentum=0.8, **options), moved, atol=1e-6
    )


def test_more_runs_are_never_weaker(network, data):
    x, y = data

    def margins(inputs):
        logits = ops.convert_to_numpy(network(inputs))
        return np.where(np.eye(3, dtype=bool)[y], -np.inf, logits).max(axis=1) - logits[np.arange(12), y]

    options = {"norm": "linf", "num_steps": 4, "seed": 0}
    one, five = (projected_gradient_descent(network, x, y, EPSILON, num_restarts=k, **options) for k in (1, 5))
    assert np.all(margins(five) >= margins(one) - 1e-6) and np.any(margins(five) > margins(one) + 1e-4)


def test_targets_are_approached(linear, rng):
    """Of three linear classes, a run for each target leads to the class that is nearest in the ball."""
    w, x = rng.normal(size=(6, 3)), rng.normal(size=(20, 6))
    y = (x @ w).argmax(axis=1)
    options = {"norm": "linf", "num_steps": 10, "random_start": False}
    targeted = projected_gradient_descent(linear(w), x, y, 0.3, num_targets=2, **options)
    best = -np.inf
    for k in range(3):
        normal = w[:, [k]] - w[:, y]
        best = np.maximum(
            best, np.where(y == k, -np.inf, np.sum(x.T * normal, axis=0) + 0.3 * np.abs(normal).sum(axis=0))
        )
    z = ops.convert_to_numpy(linear(w)(targeted))
    margins = np.where(np.eye(3, dtype=bool)[y], -np.inf, z).max(axis=1) - z[np.arange(20), y]
    assert np.mean(margins > best - 1e-2) > 0.8


def test_restarts_need_a_random_start(network, data):
    with pytest.raises(ValueError, match="Restarts need random_start=True, received num_restarts=2"):
        projected_gradient_descent(network, *data, EPSILON, norm="l2", num_restarts=2, random_start=False)
