"""The contract of every attack, whatever the inputs and the outputs of a network are.

The attack returns what it received, moved by at most ε over the joint vector of all that moves. What does not move are
the very arrays that came, and known ranges hold. An attack that cannot take a network says so.
"""

import contextlib
import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from tests.support.short_attacks import short
from zoo.analysis import ATTACKS, Classifier, misclassified, misclassified_under_attack

N, EPSILON = 6, 2.0
RNG = np.random.default_rng(0)
WORDS = np.where(np.arange(4) < RNG.integers(1, 5, (N, 1)), RNG.integers(1, 9, (N, 4)), 0)  # padded with 0


def normal(*shape):
    return RNG.normal(size=(N, *shape)).astype("float32")


def joined(inputs):
    """A network of several inputs: a hidden layer on all of them."""
    parts = [layers.Flatten()(each) for each in inputs]
    return layers.Dense(3)(layers.Dense(5, activation="tanh")(layers.Concatenate()(parts)))


def several():
    city = keras.Input((1,), name="city", dtype="int32")
    inputs = {"image": keras.Input((2, 2), name="image"), "age": keras.Input((1,), name="age"), "city": city}
    city = layers.Embedding(5, 2)(inputs["city"])
    return keras.Model(inputs, joined([inputs["image"], inputs["age"], city]))


def listed():
    inputs = [keras.Input((3,)), keras.Input((2,))]
    return keras.Model(inputs, joined(inputs))


def text():
    words = layers.Embedding(9, 3, mask_zero=True, name="words")
    return keras.Sequential([keras.Input((4,), dtype="int32"), words, layers.GlobalAveragePooling1D(), layers.Dense(3)])


def plain(units=3, shape=(4,), **options):
    return keras.Sequential([keras.Input(shape, name="x"), layers.Dense(5, "tanh"), layers.Dense(units, **options)])


def heads():
    inputs = keras.Input((4,))
    return keras.Model(inputs, {"cls": plain()(inputs), "size": layers.Dense(1)(inputs)})


TABLE = {"image": normal(2, 2), "age": normal(), "city": RNG.integers(0, 5, N)}
# The network, its options, inputs, and the scale of each entry of each input that moves.
STRUCTURES = {
    "one": (plain, {}, normal(4), 1.0),
    "named": (plain, {}, {"x": normal(4)}, {"x": 1.0}),
    "mask": (plain, {"perturb": [2, 0, 1, 1]}, normal(4), np.array([2, 0, 1, 1])),
    "dict": (several, {}, TABLE, {"image": 1.0, "age": 1.0}),
    "scales": (several, {"perturb": {"image": 2.0, "age": 0.0}}, TABLE, {"image": 2.0}),
    "list": (listed, {}, [normal(3), normal(2)], [1.0, 1.0]),
    "layer": (text, {"perturb": "words"}, WORDS, None),
    "heads": (heads, {"output": "cls"}, normal(4), 1.0),
    "multilabel": (plain, {"outputs": "binary_logits"}, normal(4), 1.0),
    "dense": (functools.partial(plain, shape=(2, 4)), {}, normal(2, 4), 1.0),
}
NORMS = {
    "sign": np.inf,
    "gaussian_sign": np.inf,
    "gaussian_noise": None,
    "virtual_adversarial": 2,
    "autoattack": np.inf,
}
ONE_DECISION = ("fab", "autoattack")  # need one class for each example


pytestmark = pytest.mark.usefixtures("eager_programs")


@functools.cache
def victim(structure):
    keras.utils.set_random_seed(1)
    make, options, *_ = STRUCTURES[structure]
    return Classifier(make(), **options)  # one for all attacks, which share its programs


@functools.cache
def decisions(structure):
    """The labels: the network's own decisions, so that nothing is misclassified before the attack."""
    logits, distribution, *_ = victim(structure).predict(STRUCTURES[structure][2])
    logits = ops.convert_to_numpy(logits)
    return (logits > 0).astype("int32") if distribution == "bernoulli" else logits.argmax(axis=-1)


def refused(attack, structure):
    return attack.startswith(ONE_DECISION) and structure in ("multilabel", "dense")


def perturbations(before, after, scales):
    """What moved, divided by the scales, as one vector for each example; the rest must be the same arrays."""
    if isinstance(before, list):
        before, after, scales = (dict(enumerate(each)) for each in (before, after, scales))
    if not isinstance(before, dict):
        before, after, scales = {0: before}, {0: after}, {0: scales}
    moved = []
    for name, array in before.items():
        if name not in scales:
            assert after[name] is array
            continue
        change = ops.convert_to_numpy(after[name]) - array
        scale = np.broadcast_to(scales[name], array.shape)
        assert np.all(change[scale == 0] == 0)
        moved.append((change / np.where(scale == 0, 1, scale)).reshape(N, -1))
    return np.concatenate(moved, axis=1)


@pytest.mark.filterwarnings("ignore:The targeted difference of logits", "ignore:The gradient is zero")
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_on_every_structure(attack, structure):
    network, y, (_, _, x, scales) = victim(structure), decisions(structure), STRUCTURES[structure]
    call = functools.partial(ATTACKS[attack], network, x, y, EPSILON, 0, **short(attack))
    if refused(attack, structure):
        with pytest.raises(ValueError, match="needs one class for each example.*received (multi-label|dense) outputs"):
            call()
        return
    moved = call()
    if structure == "layer":
        embedded = ops.convert_to_numpy(network.network.layers[0](WORDS))
        change = (ops.convert_to_numpy(moved) - embedded).reshape(N, 4, 3)
        assert np.all(change[WORDS == 0] == 0)
        change = change.reshape(N, -1)
    else:
        keras.tree.assert_same_structure(moved, x)
        assert not keras.tree.is_nested(x) or all(isinstance(each, np.ndarray) for each in keras.tree.flatten(moved))
        change = perturbations(x, moved, scales)
    norm = NORMS.get(attack, 2 if attack.endswith("l2") else np.inf)
    if norm is not None:
        assert np.linalg.norm(change, norm, axis=1).max() <= EPSILON * (1 + 1e-5)
    assert np.abs(change).max() > 0
    errors = misclassified_under_attack(network, x, y, attack, EPSILON, **short(attack))
    assert errors.shape == (N,)
    if structure != "layer":
        np.testing.assert_array_equal(errors, misclassified(network, moved, y))


@pytest.mark.filterwarnings("ignore:The targeted difference of logits", "ignore:The gradient is zero")
@pytest.mark.parametrize("attack", ATTACKS)
def test_known_ranges_hold_and_others_have_none(attack):
    network, y = victim("dict"), decisions("dict")
    x = {**TABLE, "image": np.clip(TABLE["image"], -0.5, 0.5)}
    options = {**short(attack), "input_range": {"image": (-0.5, 0.5)}}
    moved = ATTACKS[attack](network, x, y, 3.0, 0, **options)
    assert np.abs(moved["image"]).max() <= 0.5
    assert np.abs(moved["age"] - x["age"]).max() > 0.5 or attack.startswith(("fab", "autoattack"))


def test_every_attack_has_a_norm():
    assert all(attack in NORMS or attack.endswith(("l2", "linf")) for attack in ATTACKS)


@pytest.mark.parametrize("attack", ["sign", "pgd_l2", "square_linf"])
@pytest.mark.parametrize("perturb, name", [(None, "city"), ({"age": 1.0}, "image")])
def test_a_range_of_what_does_not_move_is_refused(attack, perturb, name):
    network = Classifier(victim("dict").network, perturb=perturb)
    with pytest.raises(ValueError, match=f"Unknown moving input in input_range {name!r}"):
        ATTACKS[attack](network, TABLE, decisions("dict"), 0.1, 0, {name: (0, 1)})
    with pytest.raises(ValueError, match="input_range=.* is in units of the input, but the output of 'words' moves"):
        ATTACKS[attack](victim("layer"), WORDS, decisions("layer"), 0.1, 0, (0, 1))


@pytest.mark.parametrize("attack", ATTACKS)
def test_integers_are_not_moved(attack):
    network = text()

    def call(network):
        ATTACKS[attack](network, WORDS, decisions("layer"), 0.1, 0, **short(attack))

    with pytest.raises(ValueError, match="move floating-point inputs, received int(32|64).*perturb='words'"):
        call(network)
    undeclared = keras.Sequential([keras.Input((4,)), *network.layers])
    if attack.startswith(("gaussian", "square", "autoattack")):  # these need no derivative
        warned = pytest.warns(RuntimeWarning, match="hides its gradients")
        with warned if attack.startswith("autoattack") else contextlib.nullcontext():
            call(undeclared)
        return
    with pytest.raises(ValueError, match="no derivative in input.*perturb='words'"):
        call(undeclared)


def test_a_model_says_what_moves():
    network, x, y = victim("scales"), TABLE, decisions("scales")
    model = zoo.RegularizedModel(network.network, perturb={"image": 2.0, "age": 0.0})
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for attack in ("sign", "pgd_linf", "apgd_linf"):
        expected, found = (ATTACKS[attack](each, x, y, 0.1, 0, **short(attack)) for each in (network, model))
        np.testing.assert_array_equal(found["image"], expected["image"])
        assert found["age"] is x["age"]
