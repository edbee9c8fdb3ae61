"""The decoder level by level: the costs of training and the formulas of the combinators."""

import keras
import numpy as np
import pytest

from zoo.ladder.combinators import COMBINATORS
from zoo.ladder.denoising import combinator_curves, denoise_levels

WEIGHTS = [10, 1, 0.1, 0.1]
PRECISION = 1e-6 if keras.backend.backend() == "jax" else 1e-10  # on JAX, Keras takes means in single precision


@pytest.fixture
def inputs():
    return np.random.default_rng(0).normal(size=(8, 6))


@pytest.mark.parametrize("combinators", ["gauss", "identity"])
def test_mean_squares_are_the_costs_of_training(make, inputs, combinators):
    model = make(combinators=combinators, noise_std=0.0, denoising_weights=WEIGHTS)
    x = keras.ops.convert_to_tensor(inputs)
    _, costs = model.passes(x, np.zeros(8, "int32"), 8, None, lambda level, z: 0.0)
    levels = denoise_levels(model, inputs)
    for level, cost in costs.items():
        measured = np.mean(np.square(levels[level].clean - levels[level].denoised))
        np.testing.assert_allclose(measured, float(cost), rtol=PRECISION)


def test_noise_is_on_the_corrupted_path_alone(make, inputs):
    clean, noisy = denoise_levels(make(noise_std=0.0), inputs), denoise_levels(make(noise_std=0.3), inputs)
    np.testing.assert_array_equal(noisy[0].clean, inputs)
    assert np.std(noisy[0].corrupted - inputs) == pytest.approx(0.3, rel=0.4)
    for level in clean:
        np.testing.assert_allclose(level.clean, level.corrupted, atol=1e-12)


def test_levels_without_a_decoder_have_no_estimate(make, inputs):
    levels = denoise_levels(make(denoising_weights=[0, 0, 0, 1]), inputs)
    assert [level.denoised is None for level in levels] == [True, True, True, False]


def test_combinator_curves_are_the_formula(make):
    model = make()
    combinator, z, signals, unit = model.decoder.combinators["1"], np.linspace(-2, 2, 7), (-1.0, 0.5), 3
    a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 = (float(weight.value[unit]) for weight in combinator.a)
    curves = combinator_curves(model, 1, z, signals, unit)
    for u, curve in zip(signals, curves, strict=True):
        mean = a1 / (1 + np.exp(-a2 * u - a3)) + a4 * u + a5
        gain = a6 / (1 + np.exp(-a7 * u - a8)) + a9 * u + a10
        np.testing.assert_allclose(curve, (z - mean) * gain + mean, rtol=1e-10)


def test_a_level_without_a_signal_has_one_curve_and_one_without_a_combinator_none(make):
    z = np.linspace(-2, 2, 5)
    np.testing.assert_allclose(combinator_curves(make(combinators="identity"), 0, z, (0, 1), 0), z[None])
    with pytest.raises(ValueError, match="Level 0 has no combinator; levels with one: 3"):
        combinator_curves(make(denoising_weights=[0, 0, 0, 1]), 0, z, (0,), 0)


@pytest.mark.parametrize("signal", [None, (None, 3)])
@pytest.mark.parametrize("name", COMBINATORS)
def test_a_combinator_comes_back_from_its_configuration(name, signal):
    z = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    first = COMBINATORS[name](**({"hidden_units": 2} if name == "mlp" else {}))
    second = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
    assert type(second) is type(first) and second.get_config() == first.get_config()
    for combinator in (first, second):
        combinator.build((None, 3), signal)
    assert [weight.shape for weight in second.weights] == [weight.shape for weight in first.weights]
    second.set_weights([weight + 0.5 for weight in first.get_weights()])
    first.set_weights(second.get_weights())
    found = [
        keras.ops.convert_to_numpy(each.denoise(z, None if signal is None else z[::-1])) for each in (first, second)
    ]
    np.testing.assert_array_equal(*found)
