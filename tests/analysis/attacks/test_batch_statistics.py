"""Attacks through the statistics of the batch, as adversarial training computes its perturbations."""

import keras
import numpy as np
import pytest

import zoo
from zoo.analysis import Classifier, misclassified_under_attack


def normalized_network():
    """Batch normalization whose averages are far from the statistics of the data, then a linear classifier."""
    network = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dense(3)])
    rng = np.random.default_rng(2)
    network.set_weights(
        [np.ones(4), np.zeros(4), 0.3 * np.ones(4), 4 * np.ones(4), rng.normal(size=(4, 3)), np.zeros(3)]
    )
    return network


def difference_quotients(function, x, step=1e-6):
    """The gradient of a scalar function in float64, entry by entry."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        moved = [x.copy() for _ in range(2)]
        moved[0][index] += step
        moved[1][index] -= step
        gradient[index] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return gradient


@pytest.mark.parametrize("statistics", ["moving", "batch"])
def test_an_attack_takes_its_gradients_through_the_chosen_statistics(statistics, rng):
    network = normalized_network()
    before = network.get_weights()
    kernel = before[4].astype("float64")
    x = rng.normal(size=(60, 4))
    y = np.argmax((x - 0.3) @ kernel, axis=1)

    def loss(inputs):
        mean, variance = (inputs.mean(axis=0), inputs.var(axis=0)) if statistics == "batch" else (0.3, 4.0)
        logits = (inputs - mean) / np.sqrt(variance + 1e-3) @ kernel
        return np.sum(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(60), y])

    attacked = x + 0.4 * np.sign(difference_quotients(loss, x))
    expected = np.argmax((attacked - 0.3) @ kernel, axis=1) != y
    options = {"statistics": statistics, "batch_size": 60}
    found = misclassified_under_attack(network, x.astype("float32"), y, "sign", 0.4, **options)
    np.testing.assert_array_equal(found, expected)
    other = {"batch": "moving", "moving": "batch"}[statistics]
    others = misclassified_under_attack(network, x.astype("float32"), y, "sign", 0.4, statistics=other, batch_size=60)
    assert np.any(others != found)
    for a, b in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_batch_statistics_leave_augmentation_out(rng):
    augmented = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.RandomTranslation(0.5, 0.5, seed=1)])
    inner = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.BatchNormalization()])
    model = zoo.RegularizedModel(inner, preprocessing=augmented)
    model.build((None, 4, 4, 1))
    x = rng.normal(size=(30, 4, 4, 1)).astype("float32")
    found = keras.ops.convert_to_numpy(Classifier(model, statistics="batch")(x))
    flat = x.reshape(30, -1)
    np.testing.assert_allclose(found, (flat - flat.mean(axis=0)) / np.sqrt(flat.var(axis=0) + 1e-3), atol=1e-5)


def test_a_program_through_batch_statistics_follows_the_weights(rng):
    layers = [keras.Input((4,)), keras.layers.Dense(6), keras.layers.BatchNormalization(), keras.layers.Dense(3)]
    network, x = keras.Sequential(layers), rng.normal(size=(30, 4)).astype("float32")

    def attacked(classifier):
        options = {"norm": "l2", "num_steps": 3, "random_start": False}
        return zoo.analysis.projected_gradient_descent(classifier, x, np.zeros(30, int), 0.1, **options)

    classifier = Classifier(network, statistics="batch")
    before = np.asarray(attacked(classifier))
    network.set_weights([rng.normal(size=each.shape) ** 2 for each in network.get_weights()])
    after = np.asarray(attacked(classifier))
    assert not np.allclose(before, after, atol=1e-3)
    np.testing.assert_allclose(after, attacked(Classifier(network, statistics="batch")), atol=1e-5)


def test_attacks_that_make_their_own_batches_refuse_batch_statistics():
    network = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])
    with pytest.raises(ValueError, match="'apgd_l2' changes its batches"):
        misclassified_under_attack(network, np.zeros((2, 4), "float32"), [0, 0], "apgd_l2", 0.1, statistics="batch")


def test_batch_statistics_need_a_network_with_training_mode():
    x = np.zeros((2, 4), "float32")
    with pytest.raises(TypeError, match="call takes training=, received <function"):
        misclassified_under_attack(lambda x: x, x, [0, 0], "sign", 0.1, statistics="batch")
    with pytest.raises(ValueError, match="Unknown statistics 'batches'. Did you mean 'batch'"):
        misclassified_under_attack(lambda x: x, x, [0, 0], "sign", 0.1, statistics="batches")
