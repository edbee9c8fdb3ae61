"""What a classifier refuses, and mixed inputs."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.analysis import Classifier, misclassified, misclassified_under_attack

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
