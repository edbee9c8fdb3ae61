"""What attacks move: joint vectors, layers and ranges, against networks of one input and closed forms."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.analysis.attacks.closed_forms import linear_classifier, smallest_perturbations
from tests.support.short_attacks import short
from zoo.analysis import (
    ATTACKS,
    Classifier,
    auto_pgd,
    fast_adaptive_boundary,
    misclassified,
    projected_gradient_descent,
    sign_noise,
    square,
)
from zoo.analysis.attacks.inputs import AttackedInputs

RNG = np.random.default_rng(4)
SCALES = {"a": 2.0, "b": np.array([0.5, 0.0])}
FLAT = np.array([2, 2, 2, 0.5])  # of the entries that move
COUNTS = RNG.integers(0, 9, (12, 1))


def linear_in_parts():
    """A linear classifier of 4 classes in the entries that move, over several inputs in float64, as a dictionary."""
    joint, w, z, y = linear_classifier(num_classes=4, shape=(4,))
    x = {"a": z[:, :3] * 2, "b": np.stack([z[:, 3] / 2, RNG.normal(size=12)], axis=1), "count": COUNTS}

    def network(x):
        return joint(ops.concatenate([x["a"] / 2, 2 * x["b"][:, :1]], axis=1)) + 0 * ops.cast(x["count"], "float64")

    return Classifier(network, perturb=SCALES), joint, w, x, z, y


def as_vector(x):
    return np.concatenate([x["a"] / 2, x["b"][:, :1] * 2], axis=1)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_smallest_perturbation_of_a_joint_vector(norm):
    network, joint, w, x, z, y = linear_in_parts()
    moved = fast_adaptive_boundary(network, x, y, 10.0, norm=norm, early_stop=False)
    sizes = np.linalg.norm(as_vector(moved) - z, np.inf if norm == "linf" else 2, axis=1)
    np.testing.assert_allclose(sizes, smallest_perturbations(w, z, y, norm), rtol=0.01)
    assert misclassified(joint, z + 1.001 * (as_vector(moved) - z), y).all()  # itself it is on the boundary
    assert moved["count"] is x["count"]
    np.testing.assert_array_equal(moved["b"][:, 1], x["b"][:, 1])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_joint_vectors_are_fooled_from_their_smallest_perturbation_on(norm):
    network, _, w, x, z, y = linear_in_parts()
    smallest = smallest_perturbations(w, z, y, norm)
    ordered = np.sort(smallest)[2:-2]
    gap = np.argmax(ordered[1:] / ordered[:-1])  # the radius is not near any of them
    radius = float(np.sqrt(ordered[gap] * ordered[gap + 1]))
    moved = auto_pgd(network, x, y, radius, seed=0, norm=norm)
    np.testing.assert_array_equal(misclassified(network, moved, y), smallest < radius)


def test_the_sign_of_the_gradient_in_scaled_inputs():
    network, _, w, x, z, y = linear_in_parts()
    p = np.exp(z @ w) / np.exp(z @ w).sum(axis=1, keepdims=True)
    expected = z + 0.1 * np.sign((p - np.eye(4)[y]) @ w.T)
    np.testing.assert_allclose(as_vector(sign_noise(network, x, y, 0.1)), expected, rtol=1e-12)


def attacked(attack, network, x, y):
    return ATTACKS[attack](network, x, y, 0.3, 0, **short(attack))


@pytest.mark.usefixtures("eager_programs")
@pytest.mark.parametrize("attack", ATTACKS)
def test_several_inputs_are_attacked_as_one_vector(attack):
    """With the same random numbers, which the vector draws."""
    network, joint, _, x, z, y = linear_in_parts()
    expected, moved = attacked(attack, joint, z, y), attacked(attack, network, x, y)
    np.testing.assert_allclose(as_vector(moved), ops.convert_to_numpy(expected), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("eager_programs")
@pytest.mark.filterwarnings("ignore:The targeted difference of logits")
@pytest.mark.parametrize("attack", ATTACKS)
def test_layers_are_attacked_as_the_inputs_of_the_network_above(attack):
    keras.utils.set_random_seed(1)
    words = layers.Embedding(9, 2, name="words")
    above = keras.Sequential([keras.Input((3, 2)), layers.Flatten(), layers.Dense(5, "tanh"), layers.Dense(3)])
    network = keras.Sequential([keras.Input((3,), dtype="int32"), words, above])
    tokens = RNG.integers(0, 9, (8, 3))
    embedded = ops.convert_to_numpy(words(tokens))
    y = ops.convert_to_numpy(above(embedded)).argmax(axis=-1)
    expected = attacked(attack, Classifier(above), embedded, y)
    moved = attacked(attack, Classifier(network, perturb="words"), tokens, y)
    np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-5)


def test_bytes_among_several_inputs_have_their_range():
    inputs = {"image": keras.Input((2,), name="image"), "age": keras.Input((1,), name="age")}
    network = keras.Model(inputs, layers.Dense(3)(layers.Concatenate()(list(inputs.values()))))
    x = {"image": RNG.integers(0, 256, (5, 2)).astype("uint8"), "age": RNG.normal(size=(5, 1)).astype("float32")}
    given = AttackedInputs(network, x)
    assert given.input_range == (("image", (0.0, 255.0)),)
    moved = given.restored(given.clip(given.clean + 1e4))
    np.testing.assert_array_equal(moved["image"], np.full((5, 2), 255.0))
    np.testing.assert_allclose(moved["age"], x["age"] + 1e4)
    both = {"image": (0.0, 255.0), "age": (0.0, 1.0)}
    assert dict(AttackedInputs(network, x, {"age": (0, 1)}).input_range) == both


@pytest.mark.parametrize("tensors", [False, True])
def test_results_have_the_type_of_the_inputs(tensors):
    network, *_, x, _, y = linear_in_parts()
    given = keras.tree.map_structure(ops.convert_to_tensor, x) if tensors else x
    for attack in ("sign", "pgd_l2", "apgd_l2"):
        moved = attacked(attack, network, given, y)
        assert all(ops.is_tensor(each) == tensors for each in moved.values())
        assert moved["count"] is given["count"]


@pytest.mark.parametrize("wrap", [dict, list, tuple])
def test_columns_without_an_axis_come_back_as_they_came(wrap):
    inputs = [keras.Input((1,), name=name) for name in ("a", "b")]
    made = dict(zip("ab", inputs, strict=True)) if wrap is dict else inputs
    network = keras.Model(made, layers.Dense(3)(layers.Concatenate()(inputs)))
    columns = [RNG.normal(size=6).astype("float32") for _ in inputs]
    x = dict(zip("ab", columns, strict=True)) if wrap is dict else wrap(columns)
    moved = ATTACKS["gaussian_sign"](network, x, None, 0.5, 0)
    assert type(moved) is type(x)
    for before, after in zip(columns, keras.tree.flatten(moved), strict=True):
        np.testing.assert_allclose(np.abs(after - before), 0.5, rtol=1e-5)


def test_an_axis_that_keras_adds_is_taken_away_again():
    network = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(3)])
    x = RNG.normal(size=(5, 4, 4)).astype("float32")
    whole = ATTACKS["sign"](network, x[..., None], np.zeros(5, int), 0.1)
    np.testing.assert_array_equal(ATTACKS["sign"](network, x, np.zeros(5, int), 0.1), whole[..., 0])


def constant_with_padding():
    """Returns class 0 for any words, so that attacks return their random starts."""
    tokens = keras.Input((4,), dtype="int32")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(5, 2, mask_zero=True, name="words")(tokens))
    network = keras.Model(tokens, layers.Dense(3, kernel_initializer="zeros")(pooled))
    network.layers[-1].bias.assign([1.0, 0.0, 0.0])
    return Classifier(network, perturb="words")


def test_random_starts_beside_padding():
    """Two of eight entries move: the volume of their ball gives the share of small starts."""
    network, x, y = constant_with_padding(), np.tile([[3, 0, 0, 0]], (400, 1)), np.zeros(400, int)
    clean = ops.convert_to_numpy(AttackedInputs(network, x).clean)
    pgd = projected_gradient_descent(network, x, y, 0.5, seed=0, norm="l2", num_steps=1, step_size=0.0)
    noise = ops.convert_to_numpy(pgd) - clean
    assert not noise[:, 1:].any()
    squares = np.square(np.linalg.norm(noise[:, 0], axis=-1) / 0.5)  # uniform on 0 to 1
    assert abs(squares.mean() - 0.5) < 4 / np.sqrt(12 * 400)
    moved = ops.convert_to_numpy(square(network, x[:5], y[:5], 0.5, seed=0, norm="l2", num_queries=1)) - clean[:5]
    np.testing.assert_allclose(np.linalg.norm(moved.reshape(5, -1), axis=1), 0.5, rtol=1e-5)
    assert not moved[:, 1:].any()
