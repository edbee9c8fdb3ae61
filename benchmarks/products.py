"""Seconds that the products of a network's layers take on this device, each alone.

Dense layers are given the rate of one large product. Convolutions are measured in their own shapes, for how fast they
run depends on these; forward product, weight gradient and input gradient each by itself. Where PyTorch is installed and
the device is the CPU, the faster of the backend and PyTorch counts; but not in float16, in which PyTorch's convolutions
are a hundred times slower there.
"""

import functools
import importlib.util
from typing import NamedTuple

import keras
import numpy as np

from benchmarks.timing import compiled, least_seconds
from zoo.backend.derivatives import linearize

SIDE = 2048
COPIES = 8  # products in one call on a GPU, where one may be over before the next call has come
DTYPES = {"float32": "float32", "mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}


class Times(NamedTuple):
    """Seconds of a layer's three products."""

    forward: float
    weight_gradient: float
    input_gradient: float


def has_torch(dtype, on_cpu):
    """Whether PyTorch is installed and of use in this type."""
    return importlib.util.find_spec("torch") is not None and not (on_cpu and dtype == "float16")


def layer_times(layers, precision, on_cpu):
    """The `Times` of each layer; equal ones are measured once.

    Args:
        layers: list of `benchmarks.subjects.Layer`.
        precision: of `zoo.recipes.recipe.PRECISIONS`.
        on_cpu: whether the device is the CPU.
    """
    times, dtype = {}, DTYPES[precision]
    for layer in dict.fromkeys(layers):
        if layer.padding is None:
            times[layer] = Times(*[layer.operations / product_rate(dtype, on_cpu)] * 3)
        else:
            times[layer] = convolution_times(layer, dtype, on_cpu)
    return [times[layer] for layer in layers]


@functools.cache
def product_rate(dtype, on_cpu):
    """Operations per second of a large matrix product."""
    array = np.random.default_rng(0).random((SIDE, SIDE), dtype="float32")
    times = [least_seconds(compiled(keras.ops.matmul), *(_tensor(array, dtype) for _ in range(2)))]
    if on_cpu and has_torch(dtype, on_cpu):
        import torch

        matrix = torch.from_numpy(array).to(getattr(torch, dtype))
        times.append(least_seconds(torch.matmul, matrix, matrix))
    return 2 * SIDE**3 / min(times)


def convolution_times(layer, dtype, on_cpu):
    """The `Times` of a convolution."""
    rng = np.random.default_rng(0)
    arrays = [rng.random(shape, dtype="float32") for shape in (layer.inputs, layer.kernel, layer.outputs)]
    engines = [_backend_times(layer, arrays, dtype, 1 if on_cpu else COPIES)]
    if on_cpu and has_torch(dtype, on_cpu):
        engines.append(_torch_times(layer, arrays, dtype))
    return Times(*map(min, zip(*engines, strict=True)))


def _backend_times(layer, arrays, dtype, copies):
    def forward(inputs, kernel):
        return keras.ops.conv(inputs, kernel, padding=layer.padding)

    def weight_gradient(inputs, gradient):
        # The value at this kernel is not asked for, so compilers leave it out; so below.
        kernel = keras.ops.zeros(layer.kernel, dtype)
        return linearize(lambda kernel: (forward(inputs, kernel), ()), kernel).vjp(gradient)

    def input_gradient(gradient, kernel):
        inputs = keras.ops.zeros(layer.inputs, dtype)
        return linearize(lambda inputs: (forward(inputs, kernel), ()), inputs).vjp(gradient)

    def several(product):
        return compiled(lambda *sides: [product(*pair) for pair in zip(*sides, strict=True)])

    inputs, kernels, gradients = ([_tensor(array, dtype) for _ in range(copies)] for array in arrays)
    jobs = (forward, inputs, kernels), (weight_gradient, inputs, gradients), (input_gradient, gradients, kernels)
    return [least_seconds(several(product), *sides) / copies for product, *sides in jobs]


def _torch_times(layer, arrays, dtype):
    import torch
    from torch.nn import functional, grad

    # The views have PyTorch's channels last format.
    views = zip(arrays, ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2)), strict=True)
    inputs, kernel, gradient = (torch.from_numpy(a).permute(axes).to(getattr(torch, dtype)) for a, axes in views)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    padding = layer.kernel[0] // 2 if layer.padding == "same" else 0
    products = (
        lambda: functional.conv2d(inputs, kernel, padding=padding),
        lambda: grad.conv2d_weight(inputs, kernel.shape, gradient, padding=padding),
        lambda: grad.conv2d_input(inputs.shape, kernel, gradient, padding=padding),
    )
    return [least_seconds(product) for product in products]


def _tensor(array, dtype):
    return keras.ops.cast(keras.ops.convert_to_tensor(array), dtype)
