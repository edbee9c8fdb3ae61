"""The linear maps of a ladder: the encoder's maps, made from data, and their counterparts in the decoder.

A full convolution, padded by k − 1 on each side, is the transposed convolution of a valid one. Keras therefore has
both, as `Conv2D` and `Conv2DTranspose`, and each is the counterpart of the other. Kernels are drawn
with the variance 1/fan_in: those of dense maps from the normal distribution, those of convolutions from the uniform
distribution over `±sqrt(3/fan_in)`, as in the program of Rasmus et al., 2015, https://arxiv.org/abs/1507.02672.
"""

from collections.abc import Mapping
from typing import Any

import keras
from keras import initializers, layers

from zoo.ladder.pooling import Broadcast2D, ScaledGlobalMean2D, Unpooling2D, WholeMaxPooling2D
from zoo.validation import check_choice, check_number, check_options

CONVOLUTIONS = {"valid": layers.Conv2D, "full": layers.Conv2DTranspose}


def _kernel(fan_in: int, distribution: str) -> dict[str, Any]:
    """The fan-in is that of the convolution: Keras counts another one for the kernel of a `Conv2DTranspose`."""
    if distribution == "uniform":
        bound = (3 / fan_in) ** 0.5
        initializer = initializers.RandomUniform(-bound, bound)
    else:
        initializer = initializers.RandomNormal(stddev=fan_in**-0.5)
    return {"use_bias": False, "kernel_initializer": initializer}


def _check_window(size: int, input_shape: tuple[int, ...]) -> None:
    if size > min(input_shape[:2]):
        raise ValueError(f"A window of size {size} does not fit an input of shape {tuple(input_shape)}.")


def dense(input_shape: tuple[int, ...], *, units: int) -> keras.Layer:
    """A dense map.

    Args:
        input_shape: `(units_below,)`.
        units: number of outputs, at least 1.

    Returns:
        A Keras layer without bias.

    Example:
        >>> from zoo.ladder.projections import dense
        >>> dense((784,), units=1000).units
        1000
    """
    check_number("units", units, 1, integer=True)
    return layers.Dense(units, **_kernel(input_shape[-1], "normal"))


def conv(input_shape: tuple[int, ...], *, filters: int, size: int, padding: str = "valid") -> keras.Layer:
    """A convolution with square kernels.

    Args:
        input_shape: `(height, width, channels)`.
        filters: number of output channels, at least 1.
        size: edge of the kernels, at least 1.
        padding: `"valid"` (none) or `"full"` (size − 1 on each side).

    Returns:
        A Keras layer without bias.

    Raises:
        ValueError: an argument is out of range, or a kernel without padding does not fit the input.

    Example:
        >>> from zoo.ladder.projections import conv
        >>> tuple(conv((28, 28, 1), filters=32, size=5, padding="full").compute_output_shape((None, 28, 28, 1)))
        (None, 32, 32, 32)
    """
    check_number("filters", filters, 1, integer=True)
    check_number("size", size, 1, integer=True)
    check_choice("padding", padding, CONVOLUTIONS)
    if padding == "valid":
        _check_window(size, input_shape)
    return CONVOLUTIONS[padding](filters, size, **_kernel(size * size * input_shape[-1], "uniform"))


def max_pool(input_shape: tuple[int, ...], *, size: int = 2) -> keras.Layer:
    """The maximum over disjoint square windows. Those at the last row and column may be smaller.

    Args:
        input_shape: `(height, width, channels)`.
        size: edge of the windows, at least 1.

    Returns:
        A Keras layer.

    Raises:
        ValueError: the window does not fit the input.

    Example:
        >>> from zoo.ladder.projections import max_pool
        >>> tuple(max_pool((5, 5, 1)).compute_output_shape((None, 5, 5, 1)))
        (None, 3, 3, 1)
    """
    check_number("size", size, 1, integer=True)
    _check_window(size, input_shape)
    return WholeMaxPooling2D(size)


def global_mean(input_shape: tuple[int, ...]) -> keras.Layer:
    """The scaled mean over all positions.

    Args:
        input_shape: `(height, width, channels)`.

    Returns:
        A Keras layer.

    Example:
        >>> from zoo.ladder.projections import global_mean
        >>> tuple(global_mean((5, 5, 8)).compute_output_shape((None, 5, 5, 8)))
        (None, 8)
    """
    return ScaledGlobalMean2D()


PROJECTIONS = {function.__name__: function for function in (dense, conv, max_pool, global_mean)}


def project(spec: Mapping[str, Any], input_shape: tuple[int, ...]) -> keras.Layer:
    """Makes one map of the encoder.

    Args:
        spec: `{"name": ..., **options}`: `dense` (`units`), `conv` (`filters`, `size`, `padding`), `max_pool`
            (`size`) or `global_mean`.
        input_shape: shape of one example of its input.

    Returns:
        A Keras layer without bias.

    Raises:
        TypeError: an option has the wrong type.
        ValueError: an unknown map or option, an option out of range, or a map that does not fit its input.

    Example:
        >>> from zoo.ladder.projections import project
        >>> project({"name": "dense", "units": 1000}, (784,)).units
        1000
    """
    options = dict(spec)
    name = check_choice("rung", options.pop("name", None), PROJECTIONS)
    function = PROJECTIONS[name]
    check_options(name, options, function, given=("input_shape",))
    if len(input_shape) != (1 if name == "dense" else 3):
        raise ValueError(f"The rung {spec!r} does not fit an input of shape {tuple(input_shape)}.")
    return function(input_shape, **options)


def counterpart(projection: Any, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> keras.Layer:
    """The map of the decoder from the output of an encoder's map back to its input, with its own weights.

    Args:
        projection: layer made by `project`.
        input_shape: shape of one example below `projection`.
        output_shape: shape of one example above `projection`.

    Returns:
        A Keras layer without bias.

    Example:
        >>> from zoo.ladder.projections import counterpart, project
        >>> counterpart(project({"name": "dense", "units": 10}, (20,)), (20,), (10,)).units
        20
    """
    if isinstance(projection, layers.Dense):
        return layers.Dense(input_shape[-1], **_kernel(output_shape[-1], "normal"))
    if isinstance(projection, WholeMaxPooling2D):
        return Unpooling2D(projection.pool_size[0], *input_shape[:2])
    if isinstance(projection, ScaledGlobalMean2D):
        return Broadcast2D(*input_shape[:2])
    padding = "valid" if isinstance(projection, layers.Conv2DTranspose) else "full"
    size = projection.kernel_size[0]
    return CONVOLUTIONS[padding](input_shape[-1], size, **_kernel(size * size * output_shape[-1], "uniform"))
