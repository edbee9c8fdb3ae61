"""Batch normalization as one TensorFlow operation, with exact first and second derivatives.

Notation, per channel: mean `m`, standard deviation `s = sqrt(variance + epsilon)`, `x̂ = (x - m)/s`, `y = γx̂ + β`. A bar
is a mean over the batch and the positions. The derivative of y in x is the linear map

    P(g) = γ/s · (g - ḡ - c·x̂)    with c = mean(g·x̂),

which is its own transpose: TensorFlow's gradient operation evaluates it for pulled back and for pushed forward vectors.
"""

from typing import NamedTuple

import tensorflow as tf


class Saved(NamedTuple):
    """What the forward operation leaves for its derivatives, constant with respect to its inputs.

    Attributes:
        mean: `m`, shape `(k,)`.
        inverse: `1/s`, shape `(k,)`.
        count: values per channel.
        epsilon: added to the variance.
        reserve: the operation's own three outputs for its gradient; what they hold depends on the device.
    """

    mean: tf.Tensor
    inverse: tf.Tensor
    count: tf.Tensor
    epsilon: float
    reserve: tuple


def _attach(value, inputs, gradient):
    """`value`, with `gradient(upstream)` as its derivatives in `inputs`."""

    @tf.custom_gradient
    def identity(*_):
        return tf.identity(value), gradient

    return identity(*inputs)


def normalize_batch(x, gamma, beta, epsilon):
    """Normalizes images by the statistics of their own batch.

    Args:
        x: `(n, height, width, k)` in float32, float16 or bfloat16.
        gamma, beta: `(k,)` in float32.
        epsilon: added to the variance, above 0.

    Returns:
        The normalized images in the type of `x`; mean and (biased) variance, `(k,)` in float32, as constants.
    """
    constants = map(tf.stop_gradient, (x, gamma, beta))
    arguments = dict(zip(("x", "scale", "offset"), constants, strict=True), mean=[], variance=[], epsilon=epsilon)
    y, mean, unbiased, *reserve = tf.raw_ops.FusedBatchNormV3(**arguments)
    count = tf.cast(tf.size(x) // tf.shape(x)[-1], tf.float32)
    variance = unbiased * (count - 1) / count
    saved = Saved(mean, tf.math.rsqrt(variance + epsilon), count, epsilon, tuple(reserve))
    y = _attach(y, (x, gamma, beta), lambda g: _pull_back(g, x, gamma, saved))
    return y, mean, variance


def _pull_back(g, x, gamma, saved):
    """The derivatives of `Σ g·y` in x, γ and β; that in x can be differentiated again."""
    constants = map(tf.stop_gradient, (g, x, gamma))
    arguments = dict(zip(("y_backprop", "x", "scale"), constants, strict=True), epsilon=saved.epsilon)
    arguments |= {f"reserve_space_{index}": value for index, value in enumerate(saved.reserve, 1)}
    by_x, by_gamma, by_beta, *_ = tf.raw_ops.FusedBatchNormGradV3(**arguments)
    sums = by_gamma, by_beta
    by_x = _attach(by_x, (g, x, gamma), lambda h: _differentiate_pull_back(h, g, x, gamma, saved, sums))
    return by_x, _final(by_gamma, (g, x)), _final(by_beta, (g, x))


def _differentiate_pull_back(h, g, x, gamma, saved, sums):
    """The derivatives of `Σ h·P(g)` in g, x and γ.

    In g it is P(h). With `d = mean(h·x̂)` and `M = mean(h·g) - h̄·ḡ - c·d`, in γ it is `nM/s`, and in x

        -γ/s² · ((M - 2cd)·x̂ + d·(g - ḡ) + c·(h - h̄)).

    Args:
        h: the upstream gradient, shaped like g.
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


def _final(value, inputs):
    """`value`, which raises where it would be differentiated: no penalty of the zoo needs more."""

    def refuse(_):
        raise NotImplementedError(
            "Batch normalization on TensorFlow has first and second derivatives in its inputs, not third ones. Use "
            "keras.layers.BatchNormalization in this network."
        )

    return _attach(value, inputs, refuse)
