"""Batch normalization as one TensorFlow operation, with exact first and second derivatives.

Notation for each channel: mean `m`, standard deviation `s = sqrt(variance + epsilon)`, `x̂ = (x - m)/s`, `y = γx̂ + β`. A
bar is a mean over the batch and the positions. The derivative of y in x is the linear map

    P(g) = γ/s · (g - ḡ - c·x̂)    with c = mean(g·x̂).

It equals its transpose, so TensorFlow's gradient operation evaluates it both for J·v and for Jᵀ·v.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

Tensor = Any  # a TensorFlow tensor


class Saved(NamedTuple):
    """The results of the forward operation that its derivatives need, constant with respect to its inputs.

    Attributes:
        mean: `m`, shape `(k,)`.
        inverse: `1/s`, shape `(k,)`.
        count: number of values per channel.
        epsilon: constant that is added to the variance.
        reserve: the three outputs of the operation for its gradient. Their content depends on the device.
    """

    mean: Tensor
    inverse: Tensor
    count: Tensor
    epsilon: float
    reserve: tuple


def _attach(value: Tensor, inputs: Sequence[Tensor], gradient: Callable) -> Tensor:
    """Returns `value`, with `gradient(upstream)` as its derivatives in `inputs`."""

    @tf.custom_gradient
    def identity(*_):
        return tf.identity(value), gradient

    return identity(*inputs)


def normalize_batch(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Normalizes images by the statistics of their batch: `y = γ·(x − m)/sqrt(variance + epsilon) + β`.

    Args:
        x: `(n, height, width, k)` in float32, float16 or bfloat16.
        gamma: γ, `(k,)` in float32.
        beta: β, `(k,)` in float32.
        epsilon: constant that is added to the variance, above 0.

    Returns:
        The normalized images in the type of `x`; mean and (biased) variance, `(k,)` in float32, as constants.

    Source: Ioffe, Szegedy, 2015, "Batch normalization", https://arxiv.org/abs/1502.03167.

    Example:
        >>> from zoo.backend.fused_normalization import normalize_batch
        >>> images, ones = np.array([1.0, 3.0], "float32").reshape(2, 1, 1, 1), np.ones(1, "float32")
        >>> normalized, mean, variance = normalize_batch(keras.ops.convert_to_tensor(images), ones, 0 * ones, 1e-3)
        >>> float(mean[0]), float(variance[0])
        (2.0, 1.0)
    """
    constants = map(tf.stop_gradient, (x, gamma, beta))
    arguments = dict(zip(("x", "scale", "offset"), constants, strict=True), mean=[], variance=[], epsilon=epsilon)
    y, mean, unbiased, *reserve = tf.raw_ops.FusedBatchNormV3(**arguments)
    count = tf.cast(tf.size(x) // tf.shape(x)[-1], tf.float32)
    variance = unbiased * (count - 1) / count
    saved = Saved(mean, tf.math.rsqrt(variance + epsilon), count, epsilon, tuple(reserve))
    y = _attach(y, (x, gamma, beta), lambda g: _pull_back(g, x, gamma, saved))
    return y, mean, variance


def _pull_back(g: Tensor, x: Tensor, gamma: Tensor, saved: Saved) -> tuple[Tensor, Tensor, Tensor]:
    """The derivatives of `Σ g·y` in x, γ and β. The derivative in x can be differentiated again."""
    constants = map(tf.stop_gradient, (g, x, gamma))
    arguments = dict(zip(("y_backprop", "x", "scale"), constants, strict=True), epsilon=saved.epsilon)
    arguments |= {f"reserve_space_{index}": value for index, value in enumerate(saved.reserve, 1)}
    by_x, by_gamma, by_beta, *_ = tf.raw_ops.FusedBatchNormGradV3(**arguments)
    sums = by_gamma, by_beta
    by_x = _attach(by_x, (g, x, gamma), lambda h: _differentiate_pull_back(h, g, x, gamma, saved, sums))
    return by_x, _final(by_gamma, (g, x)), _final(by_beta, (g, x))


def _differentiate_pull_back(
    h: Tensor, g: Tensor, x: Tensor, gamma: Tensor, saved: Saved, sums: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """The derivatives of `Σ h·P(g)` in g, x and γ.

    The derivative in g is P(h). With `d = mean(h·x̂)` and `M = mean(h·g) - h̄·ḡ - c·d`, the derivative in γ is `nM/s`,
    and the derivative in x is

        -γ/s² · ((M - 2cd)·x̂ + d·(g - ḡ) + c·(h - h̄)).

    Args:
        h: upstream gradient, of the shape of g.
        g: upstream gradient of the first derivative, of the shape of x.
        x: inputs, `(n, height, width, k)`.
        gamma: γ, `(k,)`.
        saved: results of the forward operation.
        sums: `n·c` and `n·ḡ`.
    """
    by_g, h_gamma, h_beta = _pull_back(h, x, gamma, saved)
    c, g_mean, d, h_mean = (total / saved.count for total in (*sums, h_gamma, h_beta))
    product = tf.reduce_mean(tf.cast(h, tf.float32) * tf.cast(g, tf.float32), axis=(0, 1, 2))
    m = product - h_mean * g_mean - c * d
    factor = -gamma * tf.square(saved.inverse)
    scales = factor * (m - 2 * c * d) * saved.inverse, factor * d, factor * c
    offset = -(scales[0] * saved.mean + scales[1] * g_mean + scales[2] * h_mean)
    by_x = offset + sum(scale * tf.cast(each, tf.float32) for scale, each in zip(scales, (x, g, h), strict=True))
    by_gamma = saved.count * m * saved.inverse
    return by_g, _final(tf.cast(by_x, x.dtype), (h, g, x)), _final(by_gamma, (h, g, x))


def _final(value: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    """Returns `value`, whose derivative in `inputs` raises an error. No penalty of the zoo needs this derivative."""

    def refuse(_):
        raise NotImplementedError(
            "On TensorFlow the zoo's batch normalization has first and second derivatives in its inputs, not third "
            "ones. Use keras.layers.BatchNormalization in this network."
        )

    return _attach(value, inputs, refuse)
