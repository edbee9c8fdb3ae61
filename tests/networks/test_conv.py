"""The convolutional networks' layers, sizes and constraints."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.networks import conv, conv_large, conv_small

# (filters, kernel size, input channels) of each convolution on RGB images.
SMALL = [(64, 3, 3), (64, 3, 64), (64, 3, 64), (128, 3, 64), (128, 3, 128), (128, 3, 128)]
SMALL += [(128, 3, 128), (128, 1, 128), (128, 1, 128)]
LARGE = [(128, 3, 3), (128, 3, 128), (128, 3, 128), (256, 3, 128), (256, 3, 256), (256, 3, 256)]
LARGE += [(512, 3, 256), (256, 1, 512), (128, 1, 256)]
NETWORKS = [(conv_small, SMALL), (conv_large, LARGE)]


def of_kind(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(("network", "convolutions"), NETWORKS)
def test_convolutions_and_number_of_parameters(network, convolutions):
    model = network((32, 32, 3), 10)
    built = [(c.filters, c.kernel_size[0], c.kernel.shape[2]) for c in of_kind(model, layers.Conv2D)]
    assert built[:-1] == convolutions
    # γ, β and two moving averages a channel; the last layer is dense, with a bias.
    expected = sum(k * k * c * f + 4 * f for f, k, c in convolutions) + 128 * 10 + 10
    assert model.count_params() == expected
    assert model.output_shape == (None, 10) and model.name == network.__name__


@pytest.mark.parametrize(("network", "convolutions"), NETWORKS)
def test_resolutions(network, convolutions):
    sizes = [c.output.shape[1] for c in of_kind(network((32, 32, 3), 10), layers.Conv2D)]
    assert sizes == [32] * 3 + [16] * 3 + [6] * 3 + [1]


def test_the_network_of_adversarial_training():
    model = conv((28, 28, 1), 10)
    sizes = [(type(layer).__name__, *layer.output.shape[1:]) for layer in model.layers[1:]]
    assert sizes == [
        ("Conv2D", 28, 28, 32),
        ("MaxPooling2D", 14, 14, 32),
        ("Conv2D", 14, 14, 64),
        ("MaxPooling2D", 7, 7, 64),
        ("Flatten", 7 * 7 * 64),
        ("Dense", 1024),
        ("Dense", 10),
    ]
    assert [layer.kernel_size for layer in of_kind(model, layers.Conv2D)] == [(5, 5)] * 2
    assert model.count_params() == 26 * 32 + (25 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 1024 + 1025 * 10
    rectified = [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")]
    assert rectified == ["relu", "relu", "relu", "linear"] and model.name == "conv"
    assert conv((4, 4, 3), 2).output_shape == (None, 2)
    with pytest.raises(ValueError, match=r"at least 4×4, received \(4, 3, 1\)"):
        conv((4, 3, 1), 2)


def test_smallest_image():
    model = conv_small((12, 12, 1), 10)
    assert ops.shape(model(np.zeros((2, 12, 12, 1), "float32"))) == (2, 10)
    with pytest.raises(ValueError, match=r"at least 12×12, received \(11, 12, 1\)"):
        conv_small((11, 12, 1), 10)
    with pytest.raises(ValueError, match="input_shape"):
        conv_small((100,), 10)


def test_slope_of_the_activations():
    slopes = {layer.negative_slope for layer in of_kind(conv_small((12, 12, 1), 10), layers.LeakyReLU)}
    assert slopes == {0.1}


def test_head_is_the_mean_of_the_last_features_through_a_dense_layer():
    model = conv_small((12, 12, 1), 10)
    x = np.random.default_rng(0).normal(size=(3, 12, 12, 1)).astype("float32")
    features = of_kind(model, layers.LeakyReLU)[-1].output
    means = ops.convert_to_numpy(keras.Model(model.input, features)(x)).mean((1, 2))
    kernel, bias = (ops.convert_to_numpy(w.value) for w in of_kind(model, layers.Conv2D)[-1].weights)
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), means @ kernel[0, 0] + bias, atol=1e-5)


def test_dropout_is_left_out_at_zero():
    assert [layer.rate for layer in of_kind(conv_small((12, 12, 1), 10), layers.Dropout)] == [0.5, 0.5]
    assert not of_kind(conv_small((12, 12, 1), 10, dropout=0.0), layers.Dropout)


def test_batch_normalization_on_logits():
    plain, normalized = (conv_small((12, 12, 1), 10, batch_normalization_on_logits=b) for b in (False, True))
    assert isinstance(normalized.layers[-1], layers.BatchNormalization)
    assert normalized.count_params() - plain.count_params() == 4 * 10 - 10


def test_one_constraint_suits_every_kernel():
    constraint = keras.constraints.MaxNorm(0.1, axis=[0, 1, 2])
    model = conv_small((12, 12, 1), 10, kernel_constraint=constraint, kernel_regularizer="l2")
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(size=(4, 12, 12, 1)).astype("float32")
    model.fit(x, np.arange(4), verbose=0)
    for convolution in of_kind(model, layers.Conv2D):
        kernel = ops.convert_to_numpy(convolution.kernel.value)
        assert np.sqrt((kernel**2).sum((0, 1, 2))).max() <= 0.1 * (1 + 1e-5)
    assert len(model.losses) == len(of_kind(model, layers.Conv2D))


@pytest.mark.parametrize("options", [{"dropout": 1.1}, {"dropout": -0.1}])
def test_out_of_range(options):
    with pytest.raises(ValueError, match="dropout must be"):
        conv_large((32, 32, 3), 10, **options)
