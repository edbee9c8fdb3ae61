"""AutoAttack: its order, its warnings, exact budgets, and a network that hides its gradients."""

import contextlib
import io

import hypothesis
import hypothesis.strategies as st
import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.analysis.attacks.closed_forms import linear_classifier, smallest_perturbations
from tests.support.numpy_reference import NORMS, sizes
from tests.support.short_attacks import short
from zoo.analysis import ATTACKS, auto_attack, misclassified, misclassified_under_attack
from zoo.analysis.attacks.task import Task

ITERATED = ("pgd", "apgd", "fab", "square", "autoattack")
SHORT = {"num_steps": 10, "num_queries": 50}


@pytest.mark.parametrize("norm", NORMS)
def test_linear_classifiers_have_their_exact_error(norm):
    network, w, x, y = linear_classifier(number=40)
    smallest = smallest_perturbations(w, x, y, norm)
    radius = float(np.median(smallest)) * 1.001
    moved = auto_attack(network, x, y, radius, seed=0, norm=norm, num_queries=50)
    np.testing.assert_array_equal(misclassified(network, moved, y), smallest < radius)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    network = keras.Sequential([keras.Input((3, 3, 1)), layers.Flatten(), layers.Dense(8, "tanh"), layers.Dense(4)])
    network.set_weights([2 * w for w in network.get_weights()])
    return network


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name.startswith(ITERATED)])
@hypothesis.settings(max_examples=5)
@hypothesis.given(seed=st.integers(0, 1000), epsilon=st.floats(0.01, 2.0))
def test_no_attack_leaves_the_ball_or_the_range(network, attack, seed, epsilon):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(size=(8, 3, 3, 1)).astype("float32"), rng.integers(0, 4, 8)
    moved = ops.convert_to_numpy(ATTACKS[attack](network, x, y, epsilon, seed, (0.0, 1.0), **short(attack, **SHORT)))
    assert moved.min() >= 0 and moved.max() <= 1
    assert sizes(moved - x, "l2" if attack.endswith("l2") else "linf").max() <= epsilon * (1 + 1e-5) + 1e-6


def steep(x):
    """Logits `±Σ_j σ(10⁴·(s − j/4 − 1/8))` of a linear score s: steps, flat except close to their edges."""
    score = ops.sum(ops.reshape(x, (-1, 16)), axis=-1, keepdims=True)
    edges = ops.convert_to_tensor(np.arange(-40, 40)[None] / 4 + 1 / 8)
    height = ops.sum(ops.sigmoid(1e4 * (score - edges)), axis=-1, keepdims=True) - 40
    return ops.concatenate([height, -height, *2 * [ops.zeros_like(height) - 100]], axis=-1)


def test_hidden_gradients_mislead_one_attack_and_not_all_four(rng):
    y = np.arange(20) % 2
    x = rng.uniform(0.2, 0.4, size=(20, 4, 4, 1)) * np.where(y, -1, 1)[:, None, None, None]
    assert not misclassified(steep, x, y).any()
    pgd = misclassified_under_attack(steep, x, y, "pgd_linf", 0.5)
    with pytest.warns(RuntimeWarning, match="gradient is zero for"):
        moved = auto_attack(steep, x, y, 0.5, seed=0, num_steps=5, num_queries=300)
    assert pgd.mean() < 0.1 and misclassified(steep, moved, y).mean() > 0.9


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda z: ops.softmax(z), "returns probabilities"),
        (lambda z: z[:, :3], "needs 4 classes, received 3"),
        (lambda z: ops.round(z), "gradient is zero for"),
    ],
)
def test_unsuitable_networks_are_named(network, change, message, rng):
    x = rng.uniform(size=(8, 3, 3, 1)).astype("float32")

    def changed(x):
        return change(network(x))

    with pytest.warns(RuntimeWarning, match=message):
        auto_attack(changed, x, np.zeros(8, int), 0.1, seed=0, attacks=("apgd_ce",), num_steps=2)


def test_random_networks_are_named(network, rng, monkeypatch):
    noise = np.random.default_rng(0)
    x = rng.uniform(size=(8, 3, 3, 1)).astype("float32")
    predict = Task.predict

    def noisy(task, x, rows):
        prediction = predict(task, x, rows)
        return prediction._replace(logits=prediction.logits + noise.normal(size=(len(x), 4)))

    monkeypatch.setattr(Task, "predict", noisy)
    with pytest.warns(RuntimeWarning, match="two passes over the same inputs differ"):
        auto_attack(network, x, np.zeros(8, int), 0.1, seed=0, attacks=("apgd_ce",), num_steps=2)


def test_softmax_networks_are_attacked_through_their_logits(network, rng):
    x = rng.uniform(size=(8, 3, 3, 1)).astype("float32")
    y = ops.convert_to_numpy(network(x)).argmax(axis=-1)
    softmax = keras.Sequential([network, layers.Softmax()])
    plain, found = (auto_attack(each, x, y, 0.2, seed=0, **SHORT) for each in (network, softmax))
    np.testing.assert_array_equal(misclassified(network, plain, y), misclassified(network, found, y))


def test_later_attacks_see_what_resists(network, rng, monkeypatch):
    seen = []
    rows = Task.rows

    def counted(task, early_stop):
        found = rows(task, early_stop)
        seen.append(len(found))
        return found

    monkeypatch.setattr(Task, "rows", counted)
    x = rng.uniform(size=(30, 3, 3, 1)).astype("float32")
    y = ops.convert_to_numpy(network(x)).argmax(axis=-1)
    moved = auto_attack(network, x, y, 0.1, seed=0, **SHORT)
    resisting = 30 - misclassified(network, moved, y).sum()
    assert seen[0] == 30 and seen == sorted(seen, reverse=True) and seen[-1] >= resisting
    nothing = auto_attack(network, x, y, 0.0, seed=0, **SHORT)
    np.testing.assert_array_equal(nothing, x)


def test_the_bar_is_shown_on_request(network, rng):
    x = rng.uniform(size=(4, 3, 3, 1)).astype("float32")
    for verbose in (0, 1):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            auto_attack(network, x, np.zeros(4, int), 0.1, seed=0, verbose=verbose, **SHORT)
        assert ("robust_percent" in printed.getvalue()) == bool(verbose)


def test_bad_input(network, rng):
    x = rng.uniform(size=(4, 3, 3, 1)).astype("float32")
    with pytest.raises(ValueError, match="Unknown attack 'fab'. Did you mean 'fab_t'"):
        auto_attack(network, x, np.zeros(4, int), 0.1, attacks=("fab",))
    with pytest.raises(ValueError, match="num_queries must be at least 1, received 0"):
        auto_attack(network, x, np.zeros(4, int), 0.1, num_queries=0)


def test_a_single_name_is_no_list_of_attacks():
    with pytest.raises(ValueError, match=r"received 'square'. Pass \['square'\]"):
        auto_attack(lambda x: x, np.zeros((1, 4)), [0], 0.1, attacks="square")
