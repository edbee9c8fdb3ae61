"""Training without a penalty equals Keras's own, and penalties do not change the state of the network."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo

STATEFUL = {
    "plain": lambda: [],
    "dropout": lambda: [layers.Dropout(0.5, seed=5)],
    "noise": lambda: [layers.GaussianNoise(0.3, seed=5)],
    "batch_normalization": lambda: [layers.BatchNormalization(momentum=0.5), layers.Dropout(0.5, seed=5)],
}
NO_PENALTY = {
    "none": None,
    "weight_0": zoo.VirtualAdversarialTraining(1.0, weight=0.0) + zoo.VirtualMovementTraining("shift", weight=0.0),
    "epsilon_0": zoo.VirtualAdversarialTraining(0.0) + zoo.Smoothness(0.0),
}


@pytest.fixture
def plain(network, quick):
    """Makes and compiles the network alone."""

    def make(*middle, **options):
        net = network(*middle, **options)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        net.compile(keras.optimizers.SGD(0.1), loss, **quick)
        return net

    return make


def state_of(network):
    """The state of a network other than its trainable weights: moving averages and random state."""
    return [ops.convert_to_numpy(variable.value) for variable in network.non_trainable_variables]


@pytest.mark.parametrize("penalty", NO_PENALTY)
@pytest.mark.parametrize("middle", ["plain", "batch_normalization"])
def test_no_penalty_is_plain_training(penalty, middle, quick, data, network, model, plain, fit, assert_same_weights):
    reference, trained = plain(*STATEFUL[middle]()), model(network(*STATEFUL[middle]()), NO_PENALTY[penalty], **quick)
    loss = fit(reference, *data, epochs=2)["loss"]
    np.testing.assert_allclose(fit(trained, *data, epochs=2)["loss"], loss, rtol=1e-5)
    assert_same_weights(reference, trained.network, rtol=1e-5, atol=1e-6)


def test_comparison_notices_a_penalty(quick, data, network, model, plain, fit, assert_same_weights):
    reference, trained = plain(), model(network(), zoo.VirtualAdversarialTraining(1.0), **quick)
    fit(reference, *data)
    fit(trained, *data)
    with pytest.raises(AssertionError):
        assert_same_weights(reference, trained.network, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("middle", STATEFUL)
def test_penalties_leave_averages_and_random_state_to_the_clean_pass(middle, quick, data, network, model, plain, fit):
    """After one step on one batch from the same weights, the state equals that of Keras."""
    penalties = (
        zoo.VirtualAdversarialTraining(1.0)
        + zoo.VirtualAdversarialTraining(1.0, xi=0.1)
        + zoo.AdversarialTraining(0.5)
        + zoo.VirtualMovementTraining("shift")
        + zoo.Smoothness(0.5)
        + zoo.WeightNoise(0.1)
        + zoo.JacobianPenalty()
    )
    reference, trained = plain(*STATEFUL[middle]()), model(network(*STATEFUL[middle]()), penalties, **quick)
    start = state_of(network(*STATEFUL[middle]()))
    fit(reference, *data, batch_size=24)
    fit(trained, *data, batch_size=24)
    expected, actual = state_of(reference), state_of(trained.network)
    assert len(expected) == {"plain": 0, "dropout": 1, "noise": 1, "batch_normalization": 3}[middle]
    for before, a, b in zip(start, expected, actual, strict=True):
        assert np.any(before != a)
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def test_frozen_layers_stay(quick, data, network, model, fit):
    net = network()
    net.layers[-2].trainable = False
    before, last = net.layers[-2].get_weights(), net.layers[-1].get_weights()
    fit(model(net, zoo.VirtualAdversarialTraining(1.0), **quick), *data)
    for a, b in zip(before, net.layers[-2].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.any(last[0] != net.layers[-1].get_weights()[0])


def test_preprocessing_comes_first_in_training_and_prediction(data, network, model, plain, fit, assert_same_weights):
    x, y = data
    scaled = x / 4 - 1
    reference = plain()
    trained = model(network(), preprocessing=layers.Rescaling(0.25, -1))
    fit(reference, scaled, y)
    fit(trained, x, y)
    assert_same_weights(reference, trained.network, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        trained.predict(x, verbose=0), reference.predict(scaled, verbose=0), rtol=1e-5, atol=1e-5
    )
