"""The least time that a training step can take on this device.

The products that the method cannot avoid, at the rate of one plain large product or convolution, and the optimizer's
memory traffic, at the rate of a plain sweep over memory; all measured in the same run as the steps.
"""

import concurrent.futures
import importlib.util
import math
import os
import time

import keras
import numpy as np

SIDE = 2048
CONVOLUTION = {"images": (100, 16, 16, 128), "kernel": (3, 3, 128, 128)}
SWEEP = 2**26
ADAM_SWEEPS = 7  # reads weight, gradient and two moments, writes weight and two moments


def compiled(function):
    """The function as the running backend compiles it, and waits for its result."""
    if keras.backend.backend() == "jax":
        import jax

        jitted = jax.jit(function)
        return lambda *arguments: jax.block_until_ready(jitted(*arguments))
    import tensorflow as tf

    graph = tf.function(function)
    return lambda *arguments: tf.nest.map_structure(lambda tensor: tensor[..., :1].numpy(), graph(*arguments))


def seconds(function, *arguments, rounds=7):
    """The least of several timings: a rate is what the device can do, not what a neighbor leaves of it."""
    function(*arguments)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def _torch_seconds(kind, *arrays):
    import torch

    first, second = (torch.from_numpy(array) for array in arrays)
    if kind == "product":
        return seconds(torch.matmul, first, second)
    first, second = first.permute(0, 3, 1, 2), second.permute(3, 2, 0, 1)
    return seconds(lambda a, b: torch.nn.functional.conv2d(a, b, padding=1), first.contiguous(), second.contiguous())


def product_rate(convolutions, on_cpu):
    """Operations per second of a large matrix product, or of a large 3×3 convolution.

    Where PyTorch is installed and the device is the CPU, the faster of the backend's and PyTorch's.
    """
    rng = np.random.default_rng(0)
    if convolutions:
        arrays = [rng.random(shape, dtype="float32") for shape in CONVOLUTION.values()]
        work = 2 * math.prod(CONVOLUTION["images"][:3]) * math.prod(CONVOLUTION["kernel"])
        function = compiled(lambda a, b: keras.ops.conv(a, b, padding="same"))
    else:
        arrays = [rng.random((SIDE, SIDE), dtype="float32") for _ in range(2)]
        work, function = 2 * SIDE**3, compiled(keras.ops.matmul)
    times = [seconds(function, *(keras.ops.convert_to_tensor(array) for array in arrays))]
    if on_cpu and importlib.util.find_spec("torch"):
        times.append(_torch_seconds("convolution" if convolutions else "product", *arrays))
    return work / min(times)


def memory_rate(on_cpu):
    """Bytes per second of a sweep that reads and writes; on the CPU in place, with a thread for each core."""
    if not on_cpu:
        array = keras.ops.zeros(SWEEP)
        return 2 * 4 * SWEEP / seconds(compiled(lambda a: a + 1.0), array)
    parts = np.array_split(np.zeros(SWEEP, "float32"), os.cpu_count())
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        return 2 * 4 * SWEEP / seconds(lambda: list(pool.map(lambda part: np.add(part, 1, out=part), parts)))


def limit(work, multiples, num_parameters, rates):
    """Seconds that a step cannot go below.

    Args:
        work: operations of the forward pass, and of its first layer, see `subjects.forward_work`.
        multiples: of these that the method needs, see `subjects.METHODS`.
        num_parameters: that Adam updates.
        rates: `{"product": operations per second, "memory": bytes per second}`.
    """
    operations = multiples[0] * work[0] - multiples[1] * work[1]
    return operations / rates["product"] + ADAM_SWEEPS * 4 * num_parameters / rates["memory"]
