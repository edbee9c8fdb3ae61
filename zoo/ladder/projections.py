"""The linear maps of a ladder: each of the encoder's, made from data, and its counterpart in the decoder.

A full convolution, padded by k − 1 on each side, is the transposed convolution of a valid one, so Keras has both:
`Conv2D` and `Conv2DTranspose`, each the other's counterpart. Kernels are drawn from `N(0, 1/fan_in)`.
"""

import math

from keras import initializers, layers

from zoo.ladder.pooling import Broadcast2D, ScaledGlobalMean2D, Unpooling2D, WholeMaxPooling2D
from zoo.validation import check_choice, check_number, check_options

CONVOLUTIONS = {"valid": layers.Conv2D, "full": layers.Conv2DTranspose}


def _kernel(fan_in):
    return {"use_bias": False, "kernel_initializer": initializers.RandomNormal(stddev=1 / math.sqrt(fan_in))}


def _check_window(size, input_shape):
    if size > min(input_shape[:2]):
        raise ValueError(f"A window of size {size} does not fit an input of shape {tuple(input_shape)}.")


def dense(input_shape, *, units):
    """A dense map of vectors `(units_below,)`."""
    check_number("units", units, 1, integer=True)
    return layers.Dense(units, **_kernel(input_shape[-1]))


def conv(input_shape, *, filters, size, padding="valid"):
    """A convolution with square kernels, `padding` `"valid"` (none) or `"full"` (size − 1 on each side)."""
    check_number("filters", filters, 1, integer=True)
    check_number("size", size, 1, integer=True)
    check_choice("padding", padding, CONVOLUTIONS)
    if padding == "valid":
        _check_window(size, input_shape)
    return CONVOLUTIONS[padding](filters, size, **_kernel(size * size * input_shape[-1]))


def max_pool(input_shape, *, size=2):
    """The maximum over disjoint square windows, which the last row and column may cut short."""
    check_number("size", size, 1, integer=True)
    _check_window(size, input_shape)
    return WholeMaxPooling2D(size)


def global_mean(input_shape):
    """The scaled mean over all positions."""
    return ScaledGlobalMean2D()


PROJECTIONS = {function.__name__: function for function in (dense, conv, max_pool, global_mean)}


def project(spec, input_shape):
    """Makes one map of the encoder.

    Args:
        spec: `{"name": ..., **options}`: `dense` (`units`), `conv` (`filters`, `size`, `padding`), `max_pool`
            (`size`) or `global_mean`.
        input_shape: shape of one example that it is to take.

    Returns:
        A Keras layer without bias.

    Raises:
        TypeError, ValueError: an unknown map or option, or one that does not fit its input.
    """
    options = dict(spec)
    name = check_choice("ladder layer", options.pop("name", None), PROJECTIONS)
    function = PROJECTIONS[name]
    check_options(name, options, function, given=("input_shape",))
    if len(input_shape) != (1 if name == "dense" else 3):
        raise ValueError(f"The ladder layer {spec!r} does not fit an input of shape {tuple(input_shape)}.")
    return function(input_shape, **options)


def counterpart(projection, input_shape, output_shape):
    """The map of the decoder from the output of one of the encoder's back to its input, with weights of its own.

    Args:
        projection: layer made by `project`.
        input_shape, output_shape: shapes of one example below and above `projection`.

    Returns:
        A Keras layer without bias.
    """
    if isinstance(projection, layers.Dense):
        return layers.Dense(input_shape[-1], **_kernel(output_shape[-1]))
    if isinstance(projection, WholeMaxPooling2D):
        return Unpooling2D(projection.pool_size[0], *input_shape[:2])
    if isinstance(projection, ScaledGlobalMean2D):
        return Broadcast2D(*input_shape[:2])
    padding = "valid" if isinstance(projection, layers.Conv2DTranspose) else "full"
    size = projection.kernel_size[0]
    return CONVOLUTIONS[padding](input_shape[-1], size, **_kernel(size * size * output_shape[-1]))
