"""Adversarial noise against finite differences and closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.ladder.conftest import NUM_LABELED
from zoo.ladder import AdversarialNoise
from zoo.ladder.encoder import encode
from zoo.regularizers.math.worst_directions import adversarial_noise


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def noise_of(model, x, y):
    """The noise that a batch gets, `{level: (n, ...)}`."""
    _, noise = model._adversarial_pass(ops.convert_to_tensor(x), ops.convert_to_tensor(y), NUM_LABELED, NUM_LABELED)
    return {level: numbers(each) for level, each in noise.items()}


def logits_with(model, x, level, change):
    x = ops.convert_to_tensor(x)
    encoding = encode(model.rungs, x, NUM_LABELED, lambda at, z: z + change if at == level else z)
    return numbers(encoding.logits)


def summed_cross_entropy(logits, labels):
    peak = logits.max(axis=-1, keepdims=True)
    log_p = logits - peak - np.log(np.exp(logits - peak).sum(axis=-1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].sum()


@pytest.mark.parametrize("level", [0, 1, 3])
def test_gradient_of_true_and_virtual_labels(make, batch, level):
    """UDG noise is ε times the gradient, here by central differences in one entry of each row."""
    strengths = [0.0] * 4
    strengths[level] = 2.0
    model = make(
        adversarial_noise=AdversarialNoise(
            strengths, [3.0 * s for s in strengths], labeled_kind="gradient", unlabeled_kind="gradient"
        )
    )
    x, y, _ = batch(model)
    noise = noise_of(model, x, y)
    assert set(noise) == {level}
    labels = np.concatenate([y, logits_with(model, x, level, 0.0)[NUM_LABELED:].argmax(axis=-1)])
    for row in (0, NUM_LABELED - 1, NUM_LABELED, len(x) - 1):
        change = np.zeros((len(x), *model.level_shapes[level]))
        change[row, 1] = 1e-6
        ends = [summed_cross_entropy(logits_with(model, x, level, sign * change), labels) for sign in (1, -1)]
        tau = 2.0 if row < NUM_LABELED else 6.0
        np.testing.assert_allclose(noise[level][row, 1], tau * (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-8)


def test_kinds_and_strengths_of_both_halves(make, batch):
    plain = make(adversarial_noise=AdversarialNoise(1.0, 1.0, labeled_kind="gradient", unlabeled_kind="gradient"))
    model = make(adversarial_noise=AdversarialNoise(0.25, 0.5))
    x, y, _ = batch(model)
    gradient, noise = noise_of(plain, x, y)[0], noise_of(model, x, y)[0]
    np.testing.assert_allclose(noise[:NUM_LABELED], 0.25 * np.sign(gradient[:NUM_LABELED]), atol=1e-12)
    rest = ops.convert_to_tensor(gradient[NUM_LABELED:])
    np.testing.assert_allclose(noise[NUM_LABELED:], 0.5 * numbers(adversarial_noise(rest, "scaled_l2")), rtol=1e-6)
    np.testing.assert_allclose(np.mean(noise[NUM_LABELED:] ** 2, axis=-1), 0.25, rtol=1e-6)


def test_labels_take_no_part_in_the_kl_direction(make, batch):
    """The direction turns to the one in which the prediction changes most."""
    kinds = {"labeled_kind": "l2", "unlabeled_kind": "l2", "direction": "kl"}
    x, y, _ = batch(make())
    noise = [noise_of(make(adversarial_noise=AdversarialNoise(1.0, 1.0, **kinds)), x, labels) for labels in (y, 2 - y)]
    np.testing.assert_array_equal(noise[0][0], noise[1][0])
    np.testing.assert_allclose(np.linalg.norm(noise[0][0], axis=-1), 1.0, rtol=1e-6)
    model = make()
    random = np.random.default_rng(0).normal(size=x.shape)
    random /= np.linalg.norm(random, axis=-1, keepdims=True)

    def divergence(change):
        p, q = (keras.activations.softmax(logits_with(model, x, 0, c)) for c in (0.0, 1e-3 * change))
        p, q = numbers(p), numbers(q)
        return np.sum(p * np.log(p / q))

    assert divergence(noise[0][0]) > 2 * divergence(random)


def test_noise_is_constant_with_respect_to_the_weights_and_reaches_the_corrupted_path(make, batch, cost):
    model = make(adversarial_noise=AdversarialNoise(0.25, 0.5))
    x, y, gaussian = batch(model)
    adversarial = noise_of(model, x, y)[0]
    by_hand = make()
    for own, other in zip(by_hand.trainable_variables, model.trainable_variables, strict=True):
        own.assign(np.array(numbers(other)))  # a copy, because a step on JAX donates the old values
    shifted = [gaussian[0] + adversarial, *gaussian[1:]]
    np.testing.assert_allclose(cost(model, x, y, gaussian), cost(by_hand, x, y, shifted), rtol=1e-9)
    inputs = {"labeled": x[:NUM_LABELED], "unlabeled": x[NUM_LABELED:]}
    for each in (model, by_hand):  # with the noise held fixed, both take the same step
        each.run_eagerly = keras.backend.backend() == "tensorflow"  # where tracing takes longer than one step
        each.train_on_batch(inputs, y)
    for a, b in zip(model.trainable_variables, by_hand.trainable_variables, strict=True):
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-7, atol=1e-10)


def test_strength_zero_is_no_noise(make):
    assert make(adversarial_noise=AdversarialNoise(0.0, 0.0)).noisy_shapes == {}


def test_supervised_training_with_adversarial_noise(make, batch):
    model = make(denoising_weights=[0.0] * 4, noise_std=0.0, adversarial_noise=AdversarialNoise(0.1))
    x, y, _ = batch(model)
    before = numbers(model.trainable_variables[0])
    assert np.isfinite(model.train_on_batch(x[:NUM_LABELED], y))
    assert np.any(numbers(model.trainable_variables[0]) != before)


def test_unknown_kinds():
    with pytest.raises(ValueError, match="Did you mean 'sign'"):
        AdversarialNoise(0.1, labeled_kind="sgn")
    with pytest.raises(ValueError, match="Unknown direction 'labels'. Did you mean 'label'"):
        AdversarialNoise(0.1, direction="labels")
