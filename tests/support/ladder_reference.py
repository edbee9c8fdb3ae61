"""The ladder's algorithm once more, in NumPy and in double precision, with loops in place of library convolutions."""

import math

import numpy as np

from tests.support.numpy_reference import sigmoid, softmax

EPSILON = 1e-10


def moments(values):
    axes = tuple(range(values.ndim - 1))
    return values.mean(axes), values.var(axes)


def standardize(values, mean, variance):
    return (values - mean) / np.sqrt(variance + EPSILON)


def convolve(images, kernel, padding):
    """Cross-correlation with `kernel` `(k, k, in, out)`, with k − 1 zeros on each side where `padding` is full."""
    size = kernel.shape[0]
    if padding == "full":
        images = np.pad(images, ((0, 0), (size - 1,) * 2, (size - 1,) * 2, (0, 0)))
    height, width = (edge - size + 1 for edge in images.shape[1:3])
    out = np.zeros((len(images), height, width, kernel.shape[-1]))
    for i in range(height):
        for j in range(width):
            window = images[:, i : i + size, j : j + size, :]
            out[:, i, j] = np.tensordot(window, kernel, axes=([1, 2, 3], [0, 1, 2]))
    return out


def transposed(kernel):
    """A transposed convolution's kernel `(k, k, out, in)` as that of the full convolution it is."""
    return kernel[::-1, ::-1].transpose(0, 1, 3, 2)


def max_pool(images, size):
    rows, columns = (range(0, length, size) for length in images.shape[1:3])
    windows = [[images[:, i : i + size, j : j + size].max(axis=(1, 2)) for j in columns] for i in rows]
    return np.array(windows).transpose(2, 0, 1, 3)


def unpool(images, size, shape):
    out = np.zeros((len(images), *shape))
    for i in range(shape[0]):
        for j in range(shape[1]):
            out[:, i, j] = images[:, i // size, j // size]
    return out


def project(spec, weights, h):
    """One map of the encoder."""
    if spec["name"] == "dense":
        return h @ weights[0]
    if spec["name"] == "conv":
        full = spec.get("padding") == "full"
        return convolve(h, transposed(weights[0]) if full else weights[0], "full" if full else "valid")
    if spec["name"] == "max_pool":
        return max_pool(h, spec["size"])
    return h.mean(axis=(1, 2)) * h.shape[2] * math.sqrt(3)


def descend(spec, weights, z, shape):
    """The decoder's map from above such a one to below it."""
    if spec["name"] == "dense":
        return z @ weights[0]
    if spec["name"] == "conv":
        full = spec.get("padding") == "full"  # its counterpart is valid
        return convolve(z, weights[0] if full else transposed(weights[0]), "valid" if full else "full")
    if spec["name"] == "max_pool":
        return unpool(z, spec["size"], shape)
    return np.broadcast_to(z[:, None, None, :], (len(z), *shape))


def encode(rungs, x, num_labeled, noise):
    """`rungs` are `(spec, weights, beta, gamma, activation)`; returns z⁰ … z^L, logits and the unlabeled moments."""
    h = x + noise[0]
    z, statistics = [h], []
    for (spec, weights, beta, gamma, activation), each in zip(rungs, noise[1:], strict=True):
        pre = project(spec, weights, h)
        labeled, unlabeled = moments(pre[:num_labeled]), moments(pre[num_labeled:])
        normal = [standardize(pre[:num_labeled], *labeled), standardize(pre[num_labeled:], *unlabeled)]
        z.append(np.concatenate(normal) + each)
        statistics.append(unlabeled)
        h = gamma * (z[-1] + beta)
        if activation == "relu":
            h = np.where(h > 0, h, 0)
    return z, h, statistics


def gauss(z, u, a):
    if u is None:
        return a[0] * z + a[1]
    mean = a[0] * sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]
    gain = a[5] * sigmoid(a[6] * u + a[7]) + a[8] * u + a[9]
    return (z - mean) * gain + mean


def cost(rungs, combinators, maps, denoising_weights, x, y, num_labeled, noise):
    """The whole cost.

    Args:
        rungs: as `encode` takes them.
        combinators: `{level: parameters of gauss}`.
        maps: `{level: weights of the decoder's map down to that level}`, for the levels that have a signal.
        denoising_weights: λ_0 … λ_L.
        x, y: inputs, labeled first, and labels.
        noise: of the corrupted path, for z⁰ … z^L.
    """
    clean, _, statistics = encode(rungs, x, num_labeled, [0.0] * (len(rungs) + 1))
    corrupted, logits, _ = encode(rungs, x, num_labeled, noise)
    total = -np.log(softmax(logits[:num_labeled])[np.arange(num_labeled), y]).mean()
    estimate = softmax(logits[num_labeled:])
    for level in reversed(range(len(rungs) + 1)):
        if level not in combinators:
            estimate = None
            continue
        z = corrupted[level][num_labeled:]
        signal = estimate
        if level < len(rungs):
            signal = None
            if estimate is not None:
                signal = descend(rungs[level][0], maps.get(level, ()), estimate, z.shape[1:])
        if signal is not None:
            signal = standardize(signal, *moments(signal))
        estimate = gauss(z, signal, combinators[level])
        normal = estimate if level == 0 else standardize(estimate, *statistics[level - 1])
        total += denoising_weights[level] * np.mean((clean[level][num_labeled:] - normal) ** 2)
    return total
