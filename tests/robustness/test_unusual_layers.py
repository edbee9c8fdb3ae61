"""Layers and settings that few networks have, under penalties that differentiate twice."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo

VAT = zoo.VirtualAdversarialTraining(0.5)
X = np.random.default_rng(0).random((8, 6)).astype("float32")
IMAGES = np.random.default_rng(1).random((8, 6, 6, 3)).astype("float32")
Y = (np.arange(8) % 3).astype("int32")
ON_TENSORFLOW = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a setting of TensorFlow")


def resizing(interpolation):
    resize = layers.Resizing(4, 4, interpolation=interpolation)
    return keras.Sequential([keras.Input((6, 6, 3)), resize, layers.Flatten(), layers.Dense(3)])


@pytest.mark.parametrize("regularizer", [VAT, zoo.VirtualMovementTraining("shift")], ids=["vat", "vmt"])
@pytest.mark.parametrize("interpolation", ["nearest", "bicubic", "bilinear"])
def test_resizing_trains_or_names_the_remedy(interpolation, regularizer, model, fit, quick):
    """On TensorFlow the other two have no second derivative."""
    trained = model(resizing(interpolation), regularizer, **quick)
    if keras.backend.backend() == "tensorflow" and interpolation != "bilinear":
        with pytest.raises(ValueError, match="interpolation='bilinear', or pass the layer as preprocessing=.*xi="):
            fit(trained, IMAGES, Y)
        trained = model(resizing(interpolation), zoo.VirtualAdversarialTraining(0.5, xi=0.1), **quick)
    assert np.isfinite(fit(trained, IMAGES, Y)["loss"]).all()


def test_quantized_layers_with_adapters(model, fit, quick):
    """Products come from reverse mode where a layer has no forward mode. Only the adapters train."""
    network = keras.Sequential([keras.Input((6,)), layers.Dense(8, "tanh"), layers.Dense(3)])
    network.quantize("int8")
    for layer in network.layers:
        layer.enable_lora(2)
    trained = model(network, VAT, **quick)
    adapters = {each.path for each in network.trainable_variables}
    before = {each.path: ops.convert_to_numpy(each).copy() for each in network.weights}
    assert len(adapters) == 6 and fit(trained, X, Y)["vat"][0] > 0  # two kernels and a bias of each layer
    moved = {each.path for each in network.weights if np.any(ops.convert_to_numpy(each) != before[each.path])}
    assert moved and moved <= adapters


@ON_TENSORFLOW
def test_double_precision_compiles(model, fit):
    """XLA would take minutes for normal numbers in double precision."""
    keras.config.set_floatx("float64")
    network = keras.Sequential([keras.Input((6,)), layers.Dense(8, "tanh"), layers.Dense(3)])
    trained = model(network, VAT, jit_compile="auto")
    assert fit(trained, X.astype("float64"), Y)["vat"][0] > 0


@ON_TENSORFLOW
def test_functions_run_eagerly(model, fit):
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        network = keras.Sequential([keras.Input((6,)), layers.Dropout(0.5), layers.Dense(3)])
        assert fit(model(network, VAT), X, Y)["vat"][0] > 0
    finally:
        tf.config.run_functions_eagerly(False)
