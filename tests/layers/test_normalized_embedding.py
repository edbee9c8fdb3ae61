"""Normalized embeddings against their closed form."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.layers import NormalizedEmbedding

RNG = np.random.default_rng(0)
TABLE = RNG.normal(3.0, 2.0, size=(7, 4))
COUNTS = np.array([9.0, 5.0, 0.0, 3.0, 1.0, 1.0, 2.0])
TOKENS = np.array([[1, 2, 6, 0], [3, 4, 5, 1]])
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def closed_form(table, counts):
    mean = np.average(table, axis=0, weights=counts)
    return (table - mean) / np.sqrt(np.average((table - mean) ** 2, axis=0, weights=counts))


@pytest.mark.parametrize("counts", [None, COUNTS, 10 * COUNTS])
@pytest.mark.parametrize("mask_zero", [False, True])
def test_closed_form(counts, mask_zero):
    layer = NormalizedEmbedding(7, 4, counts, mask_zero=mask_zero, weights=TABLE, dtype="float64")
    used = np.ones(7) if counts is None else counts.copy()
    used[0] *= not mask_zero
    np.testing.assert_allclose(layer(TOKENS), closed_form(TABLE, used)[TOKENS], rtol=1e-9)
    every = ops.convert_to_numpy(layer(np.arange(7)))
    np.testing.assert_allclose(np.average(every, axis=0, weights=used), 0, atol=1e-9)
    np.testing.assert_allclose(np.average(every**2, axis=0, weights=used), 1, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_scale_and_shift_of_the_vectors_do_not_matter(scale):
    layer = NormalizedEmbedding(7, 4, weights=scale * (TABLE - 3))
    np.testing.assert_allclose(layer(TOKENS), closed_form(TABLE, np.ones(7))[TOKENS], rtol=1e-4, atol=1e-5)


def test_a_vocabulary_of_one_word_becomes_zero():
    layer = NormalizedEmbedding(2, 4, mask_zero=True, weights=np.array([[0.0] * 4, [3.0] * 4]))
    assert not np.any(layer(np.array([[1]])))


def test_half_precision_normalizes_in_single():
    layer = NormalizedEmbedding(7, 4, weights=TABLE, dtype="mixed_float16")
    outputs = ops.convert_to_numpy(layer(TOKENS))
    assert outputs.dtype == np.float16
    np.testing.assert_allclose(outputs, closed_form(TABLE, np.ones(7))[TOKENS], rtol=2e-3, atol=2e-3)


def classifier(layer):
    return keras.Sequential([keras.Input((4,), dtype="int32"), layer, layers.GlobalAveragePooling1D(), layers.Dense(3)])


def test_penalties_move_its_output(fit):
    layer = NormalizedEmbedding(7, 4, COUNTS, mask_zero=True, name="words")
    trained = zoo.RegularizedModel(classifier(layer), zoo.VirtualAdversarialTraining(1.0), perturb="words", seed=0)
    trained.compile("sgd", LOSS, run_eagerly=True)
    before = trained.predict(TOKENS, verbose=0)
    assert fit(trained, TOKENS, np.array([0, 2]))["vat"][0] > 0
    assert np.any(before != trained.predict(TOKENS, verbose=0))
    table = ops.convert_to_numpy(layer.embeddings).astype("float64")
    used = COUNTS * (np.arange(7) > 0)
    np.testing.assert_allclose(layer(TOKENS), closed_form(table, used)[TOKENS], rtol=1e-3, atol=1e-4)


def test_save_and_load(tmp_path):
    model = classifier(NormalizedEmbedding(7, 4, COUNTS, mask_zero=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].frequencies == COUNTS.tolist() and loaded.layers[0].mask_zero
    np.testing.assert_allclose(loaded.predict(TOKENS, verbose=0), model.predict(TOKENS, verbose=0), rtol=1e-5)


def test_quantization_leaves_it_alone():
    model = classifier(NormalizedEmbedding(7, 4))
    with pytest.warns(UserWarning, match="cannot be quantized"):
        model.quantize("int8")
    assert model.layers[0].quantization_mode is None and model.layers[-1].quantization_mode == "int8"


@pytest.mark.parametrize(
    "counts, mask_zero, message",
    [
        (COUNTS[:3], False, r"shape \(7,\), one per token, received \(3,\)"),
        (-COUNTS, False, "at least 0, received -9.0"),
        (np.where(COUNTS == 3, np.nan, COUNTS), False, "finite and at least 0, received nan"),
        (np.zeros(7), False, "a positive entry, received zeros"),
        (np.eye(7)[0], True, "a positive entry, besides the padding's, received zeros"),
    ],
)
def test_frequencies_are_checked(counts, mask_zero, message):
    with pytest.raises(ValueError, match=message):
        NormalizedEmbedding(7, 4, counts, mask_zero=mask_zero)
