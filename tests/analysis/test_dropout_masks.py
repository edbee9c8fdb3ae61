"""The mean over dropout masks against the exact mean over all of them."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from tests.support.numpy_reference import softmax
from zoo.analysis import Classifier, mean_over_masks, predict_logits


@pytest.fixture
def network():
    """Dropout on three inputs, batch normalization with averages of its own, and a linear classifier."""
    network = keras.Sequential(
        [keras.Input((3,)), layers.Dropout(0.5, seed=1), layers.BatchNormalization(epsilon=1e-12), layers.Dense(2)]
    )
    kernel = np.random.default_rng(0).normal(size=(3, 2))
    network.set_weights([np.ones(3), np.zeros(3), np.ones(3), 4 * np.ones(3), kernel, np.zeros(2)])
    return network


def test_mean_of_the_probabilities_over_all_masks(network):
    x, kernel = np.array([[1.0, -2.0, 3.0]]), keras.ops.convert_to_numpy(network.layers[-1].kernel)
    masks = np.array(list(itertools.product([0, 2], repeat=3)))
    each = softmax((x * masks - 1) / 2 @ kernel)
    expected, spread = each.mean(axis=0), each.std(axis=0)
    rows = np.repeat(x, 4000, axis=0).astype("float32")  # every row has a mask of its own
    found = np.exp(mean_over_masks(network, rows, 2, batch_size=2000)).mean(axis=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=4 * spread.max() / np.sqrt(8000))
    scaling = softmax(keras.ops.convert_to_numpy(predict_logits(network, x)))[0]
    assert np.abs(scaling - expected).max() > 0.02  # the weight-scaling rule is another prediction


def test_the_network_stays_and_the_seed_decides(network):
    x = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
    before, predicted = network.get_weights(), network.predict(x, verbose=0)
    first, again, other = (mean_over_masks(network, x, 3, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    for a, b in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(network.predict(x, verbose=0), predicted)
    assert len(network.trainable_variables) == 4


def test_without_dropout_it_is_the_prediction():
    network = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(), layers.Dense(2)])
    x = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
    expected = softmax(network.predict(x, verbose=0))
    np.testing.assert_allclose(np.exp(mean_over_masks(network, x, 2)), expected, rtol=1e-5)


def test_seeds_of_every_kind(network):
    x = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
    one, two = (mean_over_masks(network, x, 3, seed=keras.random.SeedGenerator(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert mean_over_masks(network, x, 3, seed=None).shape == one.shape


def test_the_scale_of_a_classifier_counts(network):
    x = np.random.default_rng(1).normal(size=(8, 3)).astype("float32")
    found = mean_over_masks(Classifier(network, scale=2.0), x, 3)
    np.testing.assert_array_equal(found, mean_over_masks(network, 2 * x, 3))
    assert np.abs(found - mean_over_masks(network, x, 3)).max() > 0.1


def test_what_has_no_masks_is_refused(network):
    with pytest.raises(ValueError, match="num_masks must be at least 1, received 0"):
        mean_over_masks(network, np.zeros((1, 3)), 0)
    with pytest.raises(TypeError, match="Dropout masks need a Keras network whose call takes training="):
        mean_over_masks(lambda x: x, np.zeros((1, 3)))


@pytest.mark.parametrize("kind", ["multilabel_logits", "logits"])
def test_any_structure_of_inputs_and_outputs(kind):
    """Several inputs, the head of a name, and dense outputs or labels that hold or not; without dropout."""
    inputs = {"a": keras.Input((5, 3), name="a"), "b": keras.Input((5, 2), name="b")}
    logits = layers.Dense(4)(layers.Concatenate()([*inputs.values()]))
    network = keras.Model(inputs, {"cls": logits, "size": layers.Flatten()(logits)})
    x = {name: np.random.default_rng(1).normal(size=(8, *each.shape[1:])) for name, each in inputs.items()}
    classifier = Classifier(network, outputs=kind, output="cls")
    found, expected = mean_over_masks(classifier, x, 2), keras.ops.convert_to_numpy(predict_logits(classifier, x))
    if kind == "logits":
        expected = np.log(softmax(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_mean_of_the_sigmoids_over_all_masks():
    """One input that is dropped or doubled: `p̄ = (σ(b) + σ(2w + b))/2` for each label."""
    network = keras.Sequential([keras.Input((1,)), layers.Dropout(0.5, seed=1), layers.Dense(2, "sigmoid")])
    w, b = np.array([[1.0, -2.0]]), np.array([0.5, 0.0])
    network.set_weights([w, b])
    p = (1 / (1 + np.exp(-b)) + 1 / (1 + np.exp(-2 * w - b))) / 2
    rows = np.ones((4000, 1), "float32")
    found = 1 / (1 + np.exp(-mean_over_masks(network, rows, 8)))
    np.testing.assert_allclose(found.mean(axis=0), p[0], atol=4 * 0.5 / np.sqrt(32000))


def test_frozen_variables_stay_frozen(network):
    network.layers[1].gamma.trainable = False
    before = [variable.path for variable in network.trainable_variables]
    mean_over_masks(network, np.ones((2, 3), "float32"), num_masks=2)
    assert [variable.path for variable in network.trainable_variables] == before
