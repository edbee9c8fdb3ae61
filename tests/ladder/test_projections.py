"""The initial kernels of a ladder's maps and of their counterparts in the decoder."""

import keras
import numpy as np
import pytest

from zoo.ladder.projections import counterpart, project


def kernel(layer, input_shape):
    layer.build((None, *input_shape))
    return keras.ops.convert_to_numpy(layer.kernel)


@pytest.mark.parametrize("padding", ["valid", "full"])
def test_kernels_of_convolutions_are_uniform_with_variance_of_one_over_fan_in(padding):
    keras.utils.set_random_seed(0)
    shape = (9, 9, 16)
    conv = project({"name": "conv", "filters": 40, "size": 5, "padding": padding}, shape)
    back = counterpart(conv, shape, conv.compute_output_shape((None, *shape))[1:])
    for layer, channels in ((conv, 16), (back, 40)):
        bound = np.sqrt(3 / (25 * channels))
        values = kernel(layer, (9, 9, channels))
        assert values.size == 25 * 16 * 40
        assert 0.999 * bound < np.abs(values).max() <= bound
        np.testing.assert_allclose(np.mean(values**2), bound**2 / 3, rtol=0.03)


def test_kernels_of_dense_maps_are_normal_with_variance_of_one_over_fan_in():
    keras.utils.set_random_seed(0)
    dense = project({"name": "dense", "units": 300}, (200,))
    for layer, fan_in in ((dense, 200), (counterpart(dense, (200,), (300,)), 300)):
        scaled = kernel(layer, (fan_in,)) * np.sqrt(fan_in)
        np.testing.assert_allclose(np.mean(scaled**2), 1, rtol=0.03)
        np.testing.assert_allclose(np.mean(scaled**4), 3, rtol=0.1)  # of the uniform distribution 1.8
