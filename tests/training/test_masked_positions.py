"""Penalties of dense outputs count the positions that Keras's losses count, and no padding."""

import functools
import operator

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.tagging import COUNTS, LABELS, REAL, SIGNALS, TOKENS, WIDTH, double_precision, signals, tagger
from zoo.analysis import penalty_values
from zoo.analysis.classifier import Classifier
from zoo.analysis.prediction_pass import prediction_pass

BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
RTOL = 1e-6  # on JAX, Keras's recurrent layers round to single precision
NOISE = np.random.default_rng(1).normal(size=(*COUNTS.shape, WIDTH))
PENALTIES = {
    "vat": zoo.VirtualAdversarialTraining(0.7),
    "vat_xi": zoo.VirtualAdversarialTraining(0.7, xi=1e-3),
    "vat_gaussian": zoo.VirtualAdversarialTraining(0.7, distribution="gaussian"),
    "trades": zoo.Trades(0.5, num_steps=3),
    "smoothness": zoo.Smoothness(0.5),
    "smoothness_kl": zoo.Smoothness(0.5, direction="adversarial", divergence="kl"),
    "jacobian": zoo.JacobianPenalty(),
    "entropy": zoo.EntropyMinimization(),
    "at": zoo.AdversarialTraining(0.5, num_steps=2),
    "mart": zoo.Mart(0.5, num_steps=2, random_start=False),
    "weight_noise": zoo.WeightNoise(0.3),
}


@pytest.fixture
def values(monkeypatch):
    """The penalty of each example, in double precision, with given noise in what the penalty moves."""
    double_precision()

    def measure(network, penalty, x, y, noise):
        clean_pass = prediction_pass(Classifier(network, perturb="words"), x, y, seed=0)
        direction = noise if clean_pass.moved is None else noise * ops.convert_to_numpy(clean_pass.moved)
        norms = np.linalg.norm(direction, axis=(1, 2), keepdims=True)
        direction = ops.convert_to_tensor(np.divide(direction, norms, where=norms > 0, out=np.zeros_like(direction)))
        monkeypatch.setattr(clean_pass, "random_direction", lambda: direction)
        monkeypatch.setattr("zoo.regularizers.smoothness.normal", lambda like, seed: ops.convert_to_tensor(noise))
        return ops.convert_to_numpy(penalty.per_example(clean_pass))

    return measure


@pytest.mark.parametrize(("kind", "name"), [("attention", "vat"), *(("recurrent", name) for name in PENALTIES)])
def test_padding_counts_as_if_cut_off(kind, name, values):
    network, row = tagger(kind), 1
    found = values(network, PENALTIES[name], TOKENS, LABELS, NOISE)
    assert found[REAL == 0] == 0
    cut = [each[row : row + 1, : REAL[row]] for each in (TOKENS, LABELS, NOISE)]
    np.testing.assert_allclose(found[row], values(network, PENALTIES[name], *cut)[0], rtol=RTOL)


def test_without_a_mask_padding_counts(values):
    masked, plain = tagger("attention"), tagger("attention", mask=False)
    plain.set_weights(masked.get_weights())
    found, without = (values(each, PENALTIES["entropy"], TOKENS, LABELS, NOISE) for each in (masked, plain))
    assert np.all(np.abs(found - without)[REAL < COUNTS.shape[1]] > 10 * RTOL)
    assert without[REAL == 0] > 0.5 and found[REAL == 0] == 0


@pytest.mark.parametrize("regularizer", [zoo.VirtualMovementTraining, zoo.TangentPropagation])
def test_movements_of_masked_signals(regularizer):
    """The whole signal moves, and the loss or the logits at its real steps count."""
    double_precision()
    network, penalty = signals(), regularizer("affine")
    found = penalty_values(network, SIGNALS, penalty, LABELS)
    assert found[REAL == 0] < 1e-12
    x, y = SIGNALS[:1], LABELS[:1, : REAL[0]]
    alone = penalty_values(lambda x: network(x)[:, : REAL[0]], x, penalty, y)
    np.testing.assert_allclose(found[0], alone[0], rtol=RTOL)


def test_virtual_labels_of_masked_signals():
    double_precision()
    network = signals()
    unlabeled, penalty = prediction_pass(network, SIGNALS), zoo.VirtualMovementTraining("shift", virtual_labels=True)
    unlabeled.num_labeled = 0
    decided = ops.convert_to_numpy(ops.argmax(unlabeled.logits, axis=-1))
    found = ops.convert_to_numpy(penalty.per_example(unlabeled))
    np.testing.assert_allclose(found, penalty_values(network, SIGNALS, penalty, decided), rtol=RTOL)


HEADS = {
    "classes": (3, None, LABELS),
    "binary": (1, BINARY, LABELS[..., None] % 2),
    "units": (3, BINARY, np.eye(3, dtype="float32")[LABELS]),
    "regression": (3, "mse", np.eye(3, dtype="float32")[LABELS]),
}


@pytest.mark.parametrize(("units", "loss", "y"), HEADS.values(), ids=HEADS)
def test_an_attack_of_size_0_has_the_loss_of_keras(units, loss, y, model, quick, fit):
    weights = np.array([[1.0], [3.0], [0.5], [2.0]], "float32")  # of texts; Keras takes them with an axis
    trained = model(tagger("recurrent", units), zoo.AdversarialTraining(0.0), loss, perturb="words", **quick)
    history = fit(trained, TOKENS, y, sample_weight=weights)
    np.testing.assert_allclose(history["loss"][0], 2 * history["at"][0], rtol=1e-5)


def test_every_word_of_a_batch_has_the_same_weight(model, quick, fit):
    """As in the loss: the penalty of a batch is the mean over all words, not over the means of texts."""
    network = tagger("recurrent")
    found = fit(model(network, zoo.EntropyMinimization(), optimizer=keras.optimizers.SGD(0.0), **quick), TOKENS, LABELS)
    each = ops.convert_to_numpy(zoo.regularizers.entropy(ops.reshape(network(TOKENS), (-1, 3))))
    np.testing.assert_allclose(found["entropy"][0], each[COUNTS.ravel()].mean(), rtol=1e-5)


def test_a_text_of_padding_alone_changes_nothing(model, quick, fit):
    penalties = zoo.AdversarialTraining(0.5) + zoo.EntropyMinimization() + zoo.JacobianPenalty()
    weights = []
    for rows in (slice(0, 3), slice(0, 4)):
        trained = model(tagger("recurrent"), penalties, perturb="words", **quick)
        fit(trained, TOKENS[rows], LABELS[rows])
        weights.append(np.concatenate([each.ravel() for each in trained.network.get_weights()]))
    assert np.all(np.isfinite(weights))
    np.testing.assert_allclose(*weights, rtol=1e-4, atol=1e-6)


def test_padding_alone_has_no_gradient(model, quick, fit):
    every = functools.reduce(operator.add, PENALTIES.values())
    trained = model(tagger("attention"), every, perturb="words", **quick)
    before = trained.network.get_weights()
    fit(trained, TOKENS[3:], LABELS[3:])
    for old, new in zip(before, trained.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_unlabeled_texts(model, quick, fit):
    """The entropy counts every word of labeled and unlabeled texts, and the attack those of the labeled ones."""
    network = tagger("recurrent")
    penalties = zoo.EntropyMinimization() + zoo.AdversarialTraining(0.0)
    trained = model(network, penalties, perturb="words", optimizer=keras.optimizers.SGD(0.0), **quick)
    batches = zoo.datasets.SemiSupervised(
        TOKENS[:2], LABELS[:2], TOKENS, batch_size=2, unlabeled_batch_size=4, steps_per_epoch=2
    )
    found = fit(trained, batches)
    each = ops.convert_to_numpy(zoo.regularizers.entropy(ops.reshape(network(TOKENS), (-1, 3)))).reshape(COUNTS.shape)
    words = np.concatenate([each[:2][COUNTS[:2]], each[COUNTS]])
    np.testing.assert_allclose(found["entropy"][0], words.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["loss"][0] - found["entropy"][0], 2 * found["at"][0], rtol=1e-5)
