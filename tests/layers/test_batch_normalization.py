"""Batch normalization against the formula in float64, and where Keras takes over."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.backend.derivatives import linearize
from zoo.layers import BatchNormalization

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
EPSILON = 1e-3
SHAPES = {"images": (5, 4, 3, 2), "vectors": (7, 3), "one_position": (6, 1, 1, 2)}
TOLERANCES = {"float32": 2e-6, "bfloat16": 2e-2, "float16": 2e-3}


def formula(x, gamma, beta):
    """Batch normalization over all axes but the last."""
    axes = tuple(range(len(x.shape) - 1))
    mean = ops.mean(x, axis=axes, keepdims=True)
    variance = ops.mean(ops.square(x - mean), axis=axes, keepdims=True)
    return (x - mean) / ops.sqrt(variance + EPSILON) * gamma + beta


def draw(shape, seed=0):
    """Inputs away from zero, γ, β, and two directions."""
    rng = np.random.default_rng(seed)
    x, u, v = (rng.normal(size=shape) for _ in range(3))
    return 2 * x + 1, 1 + 0.3 * rng.normal(size=shape[-1]), rng.normal(size=shape[-1]), u, v


def make(shape, gamma, beta, **options):
    layer = BatchNormalization(epsilon=EPSILON, **options)
    layer.build((None, *shape[1:]))
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    return layer


def derivatives(function, weights, x, u, v):
    """First derivatives along u and v, and the gradient of a function of them in inputs and weights, in NumPy.

    `function` maps inputs and weights to outputs. Everything passes through a curved function, so that derivatives
    of the layer's input gradients take part.
    """

    def penalty(x, *weights):
        def run(x):
            outputs = function(x, *weights)
            return outputs * ops.tanh(outputs), ()

        at = linearize(run, x)
        pulled, pushed = at.vjp(u), at.jvp(v)
        return ops.sum(ops.square(pulled)) + ops.sum(pushed * u), (pulled, pushed)

    if ON_TENSORFLOW:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch([x, *weights])
            value, firsts = penalty(x, *weights)
        seconds = tape.gradient(value, [x, *weights])
    else:
        import jax

        seconds, firsts = jax.grad(penalty, argnums=tuple(range(1 + len(weights))), has_aux=True)(x, *weights)
    return [np.asarray(ops.convert_to_numpy(ops.cast(each, "float64"))) for each in (*firsts, *seconds)]


def relative_error(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_values_and_moving_averages(shape, dtype):
    x, gamma, beta, *_ = draw(shape)
    policy = dtype if dtype == "float32" else f"mixed_{dtype}"
    layer = make(shape, gamma, beta, momentum=0.9, dtype=policy)
    found = layer(ops.cast(x, dtype), training=True)
    assert keras.backend.standardize_dtype(found.dtype) == dtype
    expected = ops.convert_to_numpy(formula(x, gamma, beta))
    assert relative_error(ops.convert_to_numpy(ops.cast(found, "float64")), expected) < TOLERANCES[dtype]
    axes = tuple(range(len(shape) - 1))
    tolerance = {"rtol": TOLERANCES[dtype], "atol": TOLERANCES[dtype]}
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * x.mean(axes), **tolerance)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * x.var(axes), **tolerance)


@pytest.mark.parametrize("shape", [SHAPES["images"], SHAPES["vectors"]], ids=["images", "vectors"])
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_first_and_second_derivatives(shape, dtype):
    x, gamma, beta, u, v = draw(shape)
    expected = derivatives(formula, [ops.convert_to_tensor(each) for each in (gamma, beta)], *map(convert, (x, u, v)))
    layer = make(shape, gamma, beta, dtype=dtype if dtype == "float32" else f"mixed_{dtype}")

    def function(x, gamma, beta):
        scope = keras.StatelessScope(state_mapping=[(layer.gamma, gamma), (layer.beta, beta)])
        with scope:
            return layer(x, training=True)

    half = dtype != "float32"
    weights = [ops.convert_to_tensor(each, "float32") for each in (gamma, beta)]
    found = derivatives(function, weights, *(convert(each, dtype) for each in (x, u, v)))
    for each, other in zip(found, expected, strict=True):
        assert relative_error(each, other) < (3 if half else 10) * TOLERANCES[dtype]


def convert(array, dtype="float64"):
    return ops.cast(ops.convert_to_tensor(array), dtype)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="JAX differentiates through Keras's layer as often as one likes")
def test_third_derivatives_are_refused():
    import tensorflow as tf

    x, gamma, beta, u, _ = draw(SHAPES["images"])
    layer, x = make(x.shape, gamma, beta), tf.constant(x, tf.float32)
    with tf.GradientTape() as third:
        third.watch(x)
        with tf.GradientTape() as second:
            second.watch(x)
            with tf.GradientTape() as first:
                first.watch(x)
                y = layer(x, training=True) ** 2
            g = first.gradient(y, x, tf.constant(u, tf.float32))
        h = second.gradient(g, x)
    with pytest.raises(NotImplementedError, match="not third ones"):
        third.gradient(h, x)


def test_frozen_layers_and_predictions_are_keras_s():
    x, gamma, beta, *_ = draw(SHAPES["images"])
    layer, reference = make(x.shape, gamma, beta), layers.BatchNormalization(epsilon=EPSILON)
    reference.build(x.shape)
    x = convert(x, "float32")
    layer(x, training=True)
    reference.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(x, training=False), reference(x, training=False))
    layer.trainable, before = False, layer.get_weights()
    np.testing.assert_array_equal(layer(x, training=True), reference(x, training=False))
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"axis": 1}, {"axis": 3, "momentum": 0.5}])
def test_options_give_what_keras_gives(options):
    x = convert(draw(SHAPES["images"])[0], "float32")
    layer, reference = BatchNormalization(**options), layers.BatchNormalization(**options)
    np.testing.assert_allclose(layer(x, training=True), reference(x, training=True), rtol=1e-5, atol=1e-5)
    for a, b in zip(layer.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_one_value_per_channel_is_normalized_to_beta():
    """A batch of one image with one position has no variance."""
    layer = make((1, 1, 1, 2), np.ones(2), np.array([0.5, -2.0]))
    outputs = layer(convert(np.array([[[[3.0, 4.0]]]]), "float32"), training=True)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs).ravel(), [0.5, -2.0], atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.99, rtol=1e-6)


def test_masked_inputs_leave_padding_out():
    x = convert(draw((3, 4, 2))[0], "float32")
    mask = ops.convert_to_tensor(np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]], bool))
    layer, reference = BatchNormalization(), layers.BatchNormalization()
    np.testing.assert_array_equal(layer(x, training=True, mask=mask), reference(x, training=True, mask=mask))


def test_configurations_of_keras_and_of_the_zoo_load():
    layer = make((1, 2, 2, 3), np.ones(3), np.zeros(3), momentum=0.7)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is BatchNormalization and again.momentum == 0.7
    earlier = keras.saving.serialize_keras_object(layers.BatchNormalization())
    assert type(keras.saving.deserialize_keras_object(earlier)) is layers.BatchNormalization


@pytest.mark.skipif(not ON_TENSORFLOW, reason="tf.nn.moments is TensorFlow's")
def test_only_networks_with_keras_s_normalizations_patch_the_moments():
    import tensorflow as tf

    from zoo.backend.moments import exact_moments

    ours = zoo.networks.conv_small((12, 12, 1), 3)
    original = tf.nn.moments
    with exact_moments(ours):
        assert tf.nn.moments is original
    for layer in (layers.BatchNormalization(), BatchNormalization(renorm=True)):  # Keras computes the latter, too
        with exact_moments(keras.Sequential([keras.Input((2,)), layer])):
            assert tf.nn.moments is not original
    assert tf.nn.moments is original
