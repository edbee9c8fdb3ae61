"""The perceptron's size, and where noise, penalties and constraints act."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.networks import mlp

X = np.random.default_rng(0).normal(size=(8, 3, 2)).astype("float32")


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def kernels(model):
    return [layer.kernel for layer in model.layers if isinstance(layer, layers.Dense)]


def values(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


@pytest.mark.parametrize("input_shape", [(100,), (28, 28, 1)])
@pytest.mark.parametrize("hidden_units", [(), (7,), (12, 6, 3)])
@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("logits_normalized", [True, False])
def test_number_of_parameters(input_shape, hidden_units, normalized, logits_normalized):
    model = mlp(
        input_shape,
        10,
        hidden_units=hidden_units,
        batch_normalization=normalized,
        batch_normalization_on_logits=logits_normalized,
    )
    widths = [np.prod(input_shape), *hidden_units, 10]
    weights = sum(a * b for a, b in itertools.pairwise(widths))
    # A normalized layer has γ, β and two moving averages a unit, any other a bias.
    per_unit = [4 if normalized else 1] * len(hidden_units) + [4 if logits_normalized else 1]
    expected = weights + sum(units * k for units, k in zip(widths[1:], per_unit, strict=True))
    assert model.count_params() == expected
    assert model.output_shape == (None, 10)


def test_default_is_the_mnist_network():
    model = mlp((28, 28, 1), 10)
    assert [kernel.shape[1] for kernel in kernels(model)] == [1200, 600, 300, 150, 10]
    assert kinds(model) == [
        "InputLayer",
        "Flatten",
        *["Dense", "BatchNormalization", "Activation"] * 4,
        "Dense",
    ]


def test_order_of_noise_and_dropout():
    model = mlp((4,), 2, hidden_units=(3,), dropout=0.5, input_dropout=0.2, input_noise_std=0.1, hidden_noise_std=0.3)
    assert kinds(model)[2:] == [
        *["GaussianNoise", "Dropout"],
        *["Dense", "BatchNormalization", "Activation", "GaussianNoise", "Dropout"],
        "Dense",
    ]
    assert [layer.stddev for layer in model.layers if isinstance(layer, layers.GaussianNoise)] == [0.1, 0.3]
    assert [layer.rate for layer in model.layers if isinstance(layer, layers.Dropout)] == [0.2, 0.5]


def test_outputs_are_logits():
    model = mlp((3, 2), 5, hidden_units=(), name="linear")
    kernel, bias = model.weights
    expected = X.reshape(8, 6) @ values(kernel.value) + values(bias.value)
    np.testing.assert_allclose(values(model(X)), expected, atol=1e-6)
    assert model.name == "linear"


def test_kernel_regularizer_leaves_biases_free():
    model = mlp((3, 2), 5, hidden_units=(4,), batch_normalization=False, kernel_regularizer=keras.regularizers.L2(0.3))
    for weight in model.weights:
        weight.assign(np.ones(weight.shape))
    expected = 0.3 * sum(np.sum(values(kernel.value) ** 2) for kernel in kernels(model))
    np.testing.assert_allclose(float(sum(model.losses)), expected, rtol=1e-6)


def test_kernel_constraint_bounds_every_unit():
    model = mlp((3, 2), 5, hidden_units=(4,), kernel_constraint=keras.constraints.MaxNorm(0.05, axis=0))
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, np.arange(8) % 5, epochs=2, verbose=0)
    for kernel in kernels(model):
        norms = np.linalg.norm(values(kernel.value), axis=0)
        assert norms.max() <= 0.05 * (1 + 1e-5)
    free = [weight for weight in model.trainable_weights if "kernel" not in weight.path]
    assert all(weight.constraint is None for weight in free)


@pytest.mark.parametrize("copies", [1, 3])
def test_activity_regularizer_is_a_mean_over_examples(copies):
    model = mlp(
        (3, 2),
        5,
        hidden_units=(4, 3),
        batch_normalization=False,
        activity_regularizer=keras.regularizers.L1(0.2),
    )
    activations = [layer.output for layer in model.layers if isinstance(layer, layers.Activation)]
    hidden = keras.Model(model.input, activations)(X)
    expected = 0.2 * sum(np.mean(np.sum(np.abs(values(h)), 1)) for h in hidden)
    model(np.concatenate([X] * copies))
    np.testing.assert_allclose(float(sum(model.losses)), expected, rtol=1e-5)
    assert expected > 0


def test_serialized_identifiers():
    config = keras.saving.serialize_keras_object(keras.regularizers.L2(0.5))
    model = mlp((4,), 2, hidden_units=(3,), kernel_regularizer=config, kernel_constraint="non_neg")
    assert all(np.isclose(kernel.regularizer.l2, 0.5) for kernel in kernels(model))
    assert all(isinstance(kernel.constraint, keras.constraints.NonNeg) for kernel in kernels(model))


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 1.5},
        {"input_dropout": -0.1},
        {"input_noise_std": -1.0},
        {"hidden_noise_std": -1.0},
        {"hidden_units": (0,)},
    ],
)
def test_out_of_range(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        mlp((4,), 2, **options)


@pytest.mark.parametrize("hidden_units", [128, "128", None])
def test_widths_that_are_no_list_are_named(hidden_units):
    with pytest.raises(TypeError, match="hidden_units must be a list of widths"):
        mlp((4,), 3, hidden_units=hidden_units)
