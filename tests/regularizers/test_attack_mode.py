"""Attacks on the network as it predicts: those on the same network with frozen statistics and without dropout."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.training.passes import run_passes

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(6, 4)).astype("float32"), np.array([0, 1, 2, 0, 1, 2])
METHODS = {
    "at": lambda **options: zoo.AdversarialTraining(0.3, norm="linf", num_steps=3, **options),
    "at_one_step": lambda **options: zoo.AdversarialTraining(0.3, **options),
    "at_random_start": lambda **options: zoo.AdversarialTraining(0.3, num_steps=2, random_start=True, **options),
    "mart": lambda **options: zoo.Mart(0.3, num_steps=3, **options),
    "trades": lambda **options: zoo.Trades(0.3, norm="l2", num_steps=3, **options),
}


def made(method, frozen=False):
    """A model whose moving averages are not those of the batch."""
    keras.utils.set_random_seed(3)
    normalized = [layers.Dense(8), layers.BatchNormalization(), layers.Activation("tanh")]
    dropout = layers.Dropout(0.0 if frozen else 0.5, seed=1)
    model = zoo.RegularizedModel(
        keras.Sequential([keras.Input((4,)), *normalized, dropout, layers.Dense(3)]), method, seed=5
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    normalized[1].moving_mean.assign(np.linspace(-1, 1, 8))
    normalized[1].moving_variance.assign(np.linspace(0.5, 3, 8))
    normalized[1].trainable = not frozen  # a frozen layer predicts in training too
    return model


def perturbed(method, frozen=False):
    """The perturbed inputs of a training step, and the moving averages after it."""
    model = made(method, frozen)
    passes = run_passes(
        model, ops.convert_to_tensor(X), model.outputs_of_loss(), linearized=method.needs_input_derivatives
    )
    clean_pass = model._labeled_pass(passes, ops.convert_to_tensor(Y), passes.logits, len(X), None)
    found = ops.convert_to_numpy(method.perturbed_inputs(clean_pass))
    return found, [ops.convert_to_numpy(variable) for variable in model.network.non_trainable_variables[:2]]


@pytest.mark.parametrize("name", METHODS)
def test_an_attack_on_the_predicting_network(name):
    make = METHODS[name]
    found, averages = perturbed(make(attack_mode="prediction"))
    np.testing.assert_allclose(found, perturbed(make(), frozen=True)[0], rtol=1e-4, atol=1e-6)
    in_training, averages_there = perturbed(make())
    assert np.abs(found - in_training).max() > 1e-2
    for here, there in zip(averages, averages_there, strict=True):  # only the clean pass moves them
        np.testing.assert_allclose(here, there, rtol=1e-5)


def test_the_penalty_itself_is_that_of_training_mode():
    """With ε = 0 there is nothing to attack, and AT is the clean loss of the training pass."""
    model = made(zoo.AdversarialTraining(0.0, attack_mode="prediction"))
    logs = model.train_on_batch(X, Y, return_dict=True)
    assert float(logs["at"]) == pytest.approx(float(logs["loss"]) / 2, rel=1e-5)


def test_awp_finds_the_inputs_under_the_present_weights():
    method = zoo.Trades(0.3, num_steps=2, attack_mode="prediction")
    awp = zoo.AdversarialWeightPerturbation(method, gamma=0.0)
    with_awp, without = (made(each).train_on_batch(X, Y, return_dict=True) for each in (awp, method))
    assert float(with_awp["awp"]) == pytest.approx(float(without["trades"]), rel=1e-4)


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match="Did you mean 'prediction'"):
        zoo.Trades(0.3, attack_mode="predict")
