"""A network of an image, a number and a category, and inputs for it."""

import keras
import numpy as np
from keras import layers

RNG = np.random.default_rng(0)
X = {
    "image": RNG.normal(size=(24, 2, 2)).astype("float32"),
    "age": RNG.normal(size=(24, 1)).astype("float32"),
    "city": RNG.integers(0, 5, (24, 1)),
}
Y = (np.arange(24) % 3).astype("int32")
MASK = np.array([[1.0, 0.0], [0.5, 2.0]])


def declared():
    return {
        "image": keras.Input((2, 2), name="image"),
        "age": keras.Input((1,), name="age"),
        "city": keras.Input((1,), name="city", dtype="int32"),
    }


def classifier():
    keras.utils.set_random_seed(3)
    inputs = declared()
    city = layers.Flatten()(layers.Embedding(5, 2, name="cities")(inputs["city"]))
    joined = layers.Concatenate()([layers.Flatten()(inputs["image"]), inputs["age"], city])
    return keras.Model(inputs, layers.Dense(3)(layers.Dense(5, activation="tanh")(joined)))
