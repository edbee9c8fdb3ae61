"""Perturbed passes use the clean pass's dropout masks and noise, and the batch statistics of their own inputs."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.training import regularized_model
from zoo.training.outputs import outputs_of
from zoo.training.passes import run_passes

RANDOM = {
    "dropout": lambda: [layers.Dropout(0.5)],
    "noise": lambda: [layers.GaussianNoise(0.5)],
    "both": lambda: [layers.Dropout(0.5), layers.BatchNormalization(), layers.GaussianNoise(0.5)],
}
UNMOVED = zoo.VirtualAdversarialTraining(0.0) + zoo.Smoothness(0.0) + zoo.WeightNoise(0.0)


def penalties(model, data):
    x, y = map(ops.convert_to_tensor, data)
    model.objective(x, y)
    return {metric.name: float(metric.result()) for metric in model.penalty_metrics}


@pytest.mark.parametrize("kind", RANDOM)
def test_perturbations_of_size_zero_see_the_clean_pass(kind, data, network, model):
    trained = model(network(*RANDOM[kind]()), UNMOVED + zoo.Trades(0.0, num_steps=3))
    assert penalties(trained, data) == {"vat": 0.0, "smoothness": 0.0, "weight_noise": 0.0, "trades": 0.0}


@pytest.mark.parametrize("kind", RANDOM)
def test_masks_of_one_s_own_would_show(kind, data, network, model, monkeypatch):
    """Negative control: passes that call the network directly."""
    trained = model(network(*RANDOM[kind]()), UNMOVED)
    run = regularized_model.run_passes

    def broken(*arguments, **options):
        forward = lambda inputs, weights=(): trained.network(inputs, training=True)  # noqa: E731
        return run(*arguments, **options)._replace(forward=forward)

    monkeypatch.setattr(regularized_model, "run_passes", broken)
    values = penalties(trained, data)
    assert min(values["vat"], values["smoothness"], abs(values["weight_noise"])) > 1e-4


def test_masks_change_from_step_to_step(data, network, model):
    trained = model(network(layers.Dropout(0.5)), zoo.AdversarialTraining(0.0))
    first = penalties(trained, data)["at"]
    trained.reset_metrics()
    assert penalties(trained, data)["at"] != first


def test_perturbed_passes_use_their_own_batch_statistics(data, network, model):
    """Batch normalization of the inputs removes a common shift and scaling of all inputs."""
    x, _y = data
    net = keras.Sequential([keras.Input((6,)), layers.BatchNormalization(epsilon=1e-7), *network().layers])
    trained = model(net)
    forward = run_passes(trained, ops.convert_to_tensor(x), outputs_of(trained.loss), linearized=False).forward
    moved = forward(ops.convert_to_tensor(3 * x + 2))
    np.testing.assert_allclose(moved, forward(ops.convert_to_tensor(x)), rtol=1e-4, atol=1e-4)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(net(3 * x + 2), net(x), rtol=1e-2, atol=1e-2)


def test_no_penalty_differentiates_the_preprocessing(data, network, model, gradients):
    x, y = data
    preprocessing = layers.Dense(6, kernel_initializer="identity")
    trained = model(network(), zoo.VirtualMovementTraining("shift"), preprocessing=preprocessing)
    trained.build((None, 6))
    _, found = gradients(trained, x, y)
    found = {v.path: gradient for v, gradient in zip(trained.trainable_variables, found, strict=True)}
    for variable in preprocessing.trainable_variables:
        assert not found[variable.path].any()
    for variable in trained.network.trainable_variables:
        assert found[variable.path].any()
