"""Attacks against closed forms on a linear classifier."""

import keras
import numpy as np
import pytest

import zoo
from tests.support.perceptron import fisher_information
from tests.support.short_attacks import short
from zoo.analysis import (
    ATTACKS,
    MOVEMENTS,
    Estimate,
    attacked_error_percent,
    gaussian_noise,
    gaussian_sign_noise,
    generalization_gap,
    loss_gradient,
    misclassified,
    misclassified_under_attack,
    randomly_moved,
    sign_noise,
    virtual_adversarial_noise,
)


@pytest.fixture
def model():
    """A linear classifier of 3 classes after a scaling by 1/2."""
    network = zoo.networks.mlp((6,), 3, hidden_units=())
    network.set_weights([np.random.default_rng(0).normal(size=(6, 3)), np.zeros(3)])
    preprocessing = keras.Sequential([keras.Input((6,)), keras.layers.Rescaling(0.5)])
    model = zoo.RegularizedModel(network, preprocessing=preprocessing)
    model.build((None, 6))
    return model


@pytest.fixture
def data(model):
    """Inputs, and the model's own decisions as labels."""
    x = np.random.default_rng(1).normal(size=(50, 6)).astype("float32")
    return x, np.argmax(model.predict(x, verbose=0), axis=-1)


def gradient(model, inputs, labels):
    kernel, bias = model.network.get_weights()
    logits = inputs @ kernel + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return (p - np.eye(3)[labels]) @ kernel.T


def test_gradient_and_sign_noise(model, data):
    x, y = data
    expected = gradient(model, x, y)
    np.testing.assert_allclose(loss_gradient(model.network, x, y), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(sign_noise(model.network, x, y, 0.25), x + 0.25 * np.sign(expected), rtol=1e-6)


def test_gaussian_sign_noise_has_the_same_power_and_no_direction(model):
    x = np.zeros((200, 6), "float32")
    noise = keras.ops.convert_to_numpy(gaussian_sign_noise(None, x, None, 0.25, keras.random.SeedGenerator(0)))
    np.testing.assert_array_equal(np.abs(noise), 0.25)
    assert abs(noise.mean()) < 5 * 0.25 / np.sqrt(noise.size)


def test_errors_are_those_of_the_perturbed_preprocessed_inputs(model, data):
    x, y = data
    assert attacked_error_percent(model, x, y, "sign", 0.0) == 0.0
    perturbed = 0.5 * x + 0.25 * np.sign(gradient(model, 0.5 * x, y))
    wrong = np.argmax(perturbed @ model.network.get_weights()[0], axis=-1) != y
    error = attacked_error_percent(model, x, y, "sign", 0.25, batch_size=25)
    assert error == 100 * wrong.mean() > attacked_error_percent(model, x, y, "gaussian_sign", 0.25)


def test_clipping(model, data):
    x, y = data
    clipped = sign_noise(model.network, x, y, 0.25, input_range=(-0.5, 0.5))
    np.testing.assert_allclose(clipped, np.clip(sign_noise(model.network, x, y, 0.25), -0.5, 0.5))


def test_gaussian_noise_has_its_standard_deviation():
    x = np.full((200, 6), 3.0, "float32")
    noise = keras.ops.convert_to_numpy(gaussian_noise(None, x, None, 0.3, keras.random.SeedGenerator(0))) - x
    assert abs(noise.mean()) < 4 * 0.3 / np.sqrt(noise.size)
    assert abs(noise.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * noise.size)


def test_virtual_adversarial_noise_is_the_dominant_eigenvector_of_its_norm(model, data):
    x, _ = data
    kernel, _ = model.network.get_weights()
    noise = virtual_adversarial_noise(model.network, x, None, 0.5, keras.random.SeedGenerator(0)) - x
    noise = keras.ops.convert_to_numpy(noise).astype("float64")
    np.testing.assert_allclose(np.linalg.norm(noise, axis=1), 0.5, rtol=1e-4)
    fisher = fisher_information(x @ kernel, np.broadcast_to(kernel.T, (50, 3, 6)))
    ratios = np.einsum("nd,nde,ne->n", noise, fisher, noise) / 0.25 / np.linalg.eigvalsh(fisher)[:, -1]
    assert np.median(ratios) > 0.99 and np.all(ratios < 1 + 1e-4)  # ten iterations are few if eigenvalues are close


@pytest.mark.filterwarnings("ignore:The targeted difference of logits")
@pytest.mark.parametrize("attack", [*ATTACKS, *MOVEMENTS])
def test_every_attack_is_of_no_size_without_effect_and_seeded_and_shows_its_progress(attack, rng, capsys):
    network = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    x, y = rng.uniform(size=(40, 4, 4, 1)).astype("float32"), np.arange(40, dtype="int32") % 3
    unmoved = misclassified_under_attack(network, x, y, attack, 0.0, batch_size=20)
    np.testing.assert_array_equal(unmoved, misclassified(network, x, y, batch_size=20))
    size, options = 90.0 if attack == "rotation" else 1.5, {"batch_size": 20, **short(attack, 5, 30)}
    first = misclassified_under_attack(network, x, y, attack, size, **options)
    assert np.any(first != unmoved) and not capsys.readouterr().out
    again = misclassified_under_attack(network, x, y, attack, size, verbose=1, **options)
    np.testing.assert_array_equal(first, again)
    shown = capsys.readouterr().out
    assert attack in MOVEMENTS or (shown.endswith("\n") and ("40/40" in shown or "robust_percent" in shown))


@pytest.mark.filterwarnings("ignore:The targeted difference of logits")
@pytest.mark.parametrize("attack", ATTACKS)
def test_seeds_are_integers_generators_or_none(attack, model, data):
    x, y = data

    def attacked(seed):
        return keras.ops.convert_to_numpy(ATTACKS[attack](model.network, x, y, 0.5, seed, **short(attack, 5, 30)))

    np.testing.assert_array_equal(attacked(3), attacked(keras.random.SeedGenerator(3)))
    first, second = attacked(None), attacked(None)
    assert first.shape == x.shape
    assert not attack.startswith("gaussian") or np.any(first != second)


def test_movements_are_those_of_all_inputs_at_once(rng):
    """Each input has its own movement, in batches of any size."""
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    x, y = rng.normal(size=(30, 5)).astype("float32"), np.arange(30) % 3
    expected = misclassified(network, randomly_moved(x, "shift", 2.0, 7), y)
    found = misclassified_under_attack(network, x, y, "shift", 2.0, seed=7, batch_size=10)
    np.testing.assert_array_equal(found, expected)


def test_generalization_gap(model, data):
    x, y = data
    false = np.where(np.arange(50) < 10, (y + 1) % 3, y)  # 10 of 50 labels are wrong
    gap = generalization_gap(model, (x, y), (x, false))
    assert gap.mean == pytest.approx(0.2)
    assert gap.standard_error == pytest.approx(Estimate.of(np.arange(50) < 10).standard_error)


def test_generalization_gap_of_losses(model, data):
    x, y = data
    false = np.where(np.arange(50) < 10, (y + 1) % 3, y)
    kernel, bias = model.network.get_weights()
    logits = 0.5 * x.astype("float64") @ kernel + bias
    losses = np.log(np.exp(logits).sum(axis=1, keepdims=True)) - logits
    differences = losses[np.arange(50), false] - losses[np.arange(50), y]
    assert generalization_gap(model, (x, y), (x, false), measure="loss").mean == pytest.approx(
        differences.mean(), rel=1e-5
    )
    with pytest.raises(ValueError, match="Unknown measure 'losses'. Did you mean 'loss'"):
        generalization_gap(model, (x, y), (x, y), measure="losses")


@pytest.mark.parametrize("attack", [sign_noise, gaussian_sign_noise, gaussian_noise])
def test_noise_of_negative_size(model, data, attack):
    with pytest.raises(ValueError, match="(epsilon|noise_std) must be at least 0, received -1"):
        attack(model, *data, -1.0)


def test_bad_input(model, data):
    with pytest.raises(ValueError, match="Did you mean 'sign'"):
        attacked_error_percent(model, *data, "sgn", 0.25)
    with pytest.raises(ValueError, match="epsilon must be at least 0, received -1"):
        attacked_error_percent(model, *data, "sign", -1)
