"""Small networks that embed tokens, and tokens for them, some padded with zeros."""

import keras
import numpy as np
from keras import layers, ops

WORDS, LENGTH, WIDTH = 9, 5, 4
RNG = np.random.default_rng(0)
TOKENS = RNG.integers(1, WORDS, (12, LENGTH))
PADDED = np.where(np.arange(LENGTH) < RNG.integers(2, LENGTH + 1, (12, 1)), TOKENS, 0)
Y = (np.arange(12) % 3).astype("int32")


@keras.saving.register_keras_serializable(package="tests")
class Total(layers.Layer):
    """The sum over the positions that a mask leaves. Keras's mean computes in single precision on JAX."""

    def call(self, x, mask=None):
        return ops.sum(x if mask is None else x * ops.cast(mask, x.dtype)[..., None], axis=1)


class Embedded(layers.Layer):
    """Embeds tokens and their positions, in a layer of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.tokens = layers.Embedding(WORDS, WIDTH, name="embedding")
        self.positions = layers.Embedding(LENGTH, WIDTH, name="positions")

    def call(self, x):
        return self.tokens(x) + self.positions(ops.arange(LENGTH))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(WORDS, WIDTH, name="embedding")
        self.hidden = layers.Dense(3, activation="softplus")
        self.logits = layers.Dense(3)

    def call(self, x):
        return self.logits(ops.mean(self.hidden(self.embedding(x)), axis=1))


def functional():
    tokens = keras.Input((LENGTH,), dtype="int32")
    hidden = layers.Dense(3, activation="softplus")(layers.Embedding(WORDS, WIDTH, name="embedding")(tokens))
    return keras.Model(tokens, layers.Dense(3)(Total()(hidden)))


def tail():
    return [layers.Dense(3, activation="softplus"), Total(), layers.Dense(3)]


def nested():
    inner = keras.Sequential([keras.Input((LENGTH,)), layers.Embedding(WORDS, WIDTH, name="embedding")])
    return keras.Sequential([keras.Input((LENGTH,)), keras.Sequential([keras.Input((LENGTH,)), inner]), *tail()])


def masked():
    embedding = layers.Embedding(WORDS, WIDTH, mask_zero=True, name="embedding")
    return keras.Sequential([keras.Input((LENGTH,)), embedding, *tail()])


NETWORKS = {
    "functional": functional,
    "nested": nested,
    "subclassed": Subclassed,
    "in_a_layer": lambda: keras.Sequential([keras.Input((LENGTH,)), Embedded(), *tail()]),
    "masked": masked,
}
