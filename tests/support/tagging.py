"""Networks that tag the words of padded texts, with their texts and labels."""

import keras
import numpy as np
from keras import layers

WORDS, LENGTH, WIDTH, CLASSES = 7, 6, 4, 3
REAL = np.array([4, 2, 6, 0])  # words of each text; the rest is padding
COUNTS = np.arange(LENGTH) < REAL[:, None]
RNG = np.random.default_rng(0)
TOKENS = np.where(COUNTS, RNG.integers(1, WORDS, COUNTS.shape), 0)
LABELS = RNG.integers(0, CLASSES, COUNTS.shape).astype("int32")


def double_precision():
    """From here on, until the end of the test."""
    keras.config.set_floatx("float64")
    keras.mixed_precision.set_dtype_policy("float64")


def tagger(kind, units=CLASSES, mask=True):
    """Tokens to the logits of each word. The padding changes nothing at the words, but the logits there do change."""
    keras.utils.set_random_seed(3)
    tokens = keras.Input((None,), dtype="int32")
    x = layers.Embedding(WORDS, WIDTH, mask_zero=mask, name="words")(tokens)
    if kind == "attention":
        x = layers.MultiHeadAttention(2, 3)(x, x)  # Keras drops the mask of a sum
    else:
        x = layers.SimpleRNN(5, return_sequences=True)(x)
    return keras.Model(tokens, layers.Dense(units)(x))


def signals(units=CLASSES):
    """Signals of `LENGTH` steps to the logits of each, with a layer that masks zeros."""
    keras.utils.set_random_seed(3)
    body = [layers.Masking(), layers.SimpleRNN(5, return_sequences=True), layers.Dense(units)]
    return keras.Sequential([keras.Input((None, 2)), *body])


SIGNALS = RNG.normal(size=(*COUNTS.shape, 2)) * COUNTS[..., None]
