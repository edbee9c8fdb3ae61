"""The least time that a training step can take on this device.

The products that the method cannot avoid, in the times that they take alone, and the optimizer's memory traffic, at the
rate of a plain sweep over memory; all measured in the same run as the steps.
"""

import concurrent.futures
import os

import keras
import numpy as np

from benchmarks.timing import compiled, least_seconds

SWEEP = 2**26
ADAM_SWEEPS = 7  # reads weight, gradient and two moments, writes weight and two moments


def memory_rate(on_cpu):
    """Bytes per second of a sweep that reads and writes; on the CPU in place, with a thread for each core."""
    if not on_cpu:
        array = keras.ops.zeros(SWEEP)
        return 2 * 4 * SWEEP / least_seconds(compiled(lambda a: a + 1.0), array)
    parts = np.array_split(np.zeros(SWEEP, "float32"), os.cpu_count())
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        return 2 * 4 * SWEEP / least_seconds(lambda: list(pool.map(lambda part: np.add(part, 1, out=part), parts)))


def limit(times, products, num_parameters, bandwidth):
    """Seconds that a step cannot go below.

    Args:
        times: `benchmarks.products.Times` of every layer, the first one first.
        products: `benchmarks.subjects.Products` of the method.
        num_parameters: that Adam updates, in float32 whatever the layers compute in.
        bandwidth: bytes per second.
    """
    forward, weight_gradient, input_gradient = map(sum, zip(*times, strict=True))
    seconds = products.forward * forward + products.weight_gradient * weight_gradient
    seconds += products.input_gradient * input_gradient - products.spared * times[0].input_gradient
    return seconds + ADAM_SWEEPS * 4 * num_parameters / bandwidth
