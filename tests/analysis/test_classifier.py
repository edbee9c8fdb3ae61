"""What a classifier refuses, and mixed inputs."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.analysis import (
    Classifier,
    attacked_error_percent,
    misclassified,
    misclassified_under_attack,
    predict_logits,
)

X = np.ones((2, 2), "float32")


def test_a_data_set_is_no_array():
    class Dataset:
        pass

    with pytest.raises(ValueError, match="received a Dataset. Of a tf.data set pass arrays"):
        misclassified(lambda x: x, Dataset(), [0, 1])


def test_a_scale_is_of_one_input():
    classifier = Classifier(lambda x: x["a"] + x["b"], scale=2.0)
    with pytest.raises(ValueError, match="received scale=2.0 and a dict of 2"):
        classifier({"a": X, "b": X})


def test_layers_are_of_keras_networks():
    with pytest.raises(TypeError, match="perturb='dense' names layers of a Keras network, received <function"):
        Classifier(lambda x: x, perturb="dense")


def test_arrays_beside_tensors():
    inputs = {name: keras.Input((2,), name=name) for name in "ab"}
    network = keras.Model(inputs, layers.Dense(3)(layers.Concatenate()([*inputs.values()])))
    arrays = {"a": X, "b": 2 * X}
    mixed = {"a": X, "b": ops.convert_to_tensor(2 * X)}
    np.testing.assert_array_equal(misclassified(network, mixed, [0, 1]), misclassified(network, arrays, [0, 1]))
    attacked = [misclassified_under_attack(network, x, [0, 1], "sign", 0.3) for x in (mixed, arrays)]
    np.testing.assert_array_equal(*attacked)


class Negated(keras.Model):
    """A model of the user's own that calls a part of it `network`."""

    def __init__(self, activation=None):
        super().__init__()
        self.network = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation)])
        self.preprocessing = None

    def call(self, x, training=False):
        return -self.network(x)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_model_is_measured_whatever_its_attributes_are_called(activation):
    model, x = Negated(activation), np.random.default_rng(1).normal(size=(30, 4)).astype("float32")
    outputs = keras.ops.convert_to_numpy(model(x))
    labels = outputs.argmax(axis=-1)
    np.testing.assert_allclose(predict_logits(model, x), outputs, rtol=1e-5)
    for measured in (model, Classifier(model, statistics="batch")):
        assert not misclassified(measured, x, labels).any()
        assert attacked_error_percent(measured, x, labels, "sign", 0.0) == 0.0
