"""Keras's batch normalization, several times faster on TensorFlow."""

from typing import Any

import keras
from keras import ops

Tensor = Any  # a tensor of the backend

FUSED_TYPES = ("float32", "float16", "bfloat16")


@keras.saving.register_keras_serializable(package="zoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's `BatchNormalization`, several times faster on TensorFlow: the same arguments, weights and results.

    In training on TensorFlow, images `(n, height, width, channels)` are normalized by TensorFlow's fused operation.
    Keras composes it of many passes over memory, which takes four to five times as long on a CPU. Second
    derivatives, which penalties on input gradients need, are exact. Everything else is Keras's: prediction, frozen
    layers, masks, other axes, statistics over several devices, JAX.

    Source: Ioffe, Szegedy, 2015, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", https://arxiv.org/abs/1502.03167.

    Example:
        >>> import keras
        >>> import zoo
        >>> network = keras.Sequential([
        ...     keras.Input((32, 32, 3)),
        ...     keras.layers.Conv2D(64, 3, use_bias=False),
        ...     zoo.layers.BatchNormalization(),
        ... ])
        >>> network.output_shape
        (None, 30, 30, 64)
    """

    has_exact_derivatives = True  # `zoo.backend.moments` leaves the layer alone

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        """Normalizes a batch: by its own statistics in training, by the moving averages otherwise."""
        on_batch = training and self.trainable and mask is None and not (self.synchronized or self.renorm)
        if not on_batch or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        fused = self._is_fused(inputs)
        outputs, mean, variance = self._normalize_images(inputs) if fused else self._normalize(inputs)
        averages: Any = (self.moving_mean, self.moving_variance)
        for average, value in zip(averages, (mean, variance), strict=True):
            new: Tensor = ops.cast(ops.stop_gradient(value), average.dtype)
            average.assign(average.value * self.momentum + new * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)

    def _is_fused(self, inputs: Tensor) -> bool:
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        return len(inputs.shape) == 4 and self.axis in (-1, 3) and dtype in FUSED_TYPES

    def _affine(self, dtype: str) -> tuple[Tensor, Tensor]:
        """γ and β: ones and zeros if the layer has none."""
        moving_mean: Any = self.moving_mean
        units = moving_mean.shape
        gamma = ops.ones(units, dtype) if self.gamma is None else ops.cast(self.gamma, dtype)
        beta = ops.zeros(units, dtype) if self.beta is None else ops.cast(self.beta, dtype)
        return gamma, beta

    def _normalize_images(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from zoo.backend.fused_normalization import normalize_batch

        return normalize_batch(inputs, *self._affine("float32"), self.epsilon)

    def _normalize(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """By plain operations.

        Not Keras's: its `tf.nn.moments` holds the mean constant in the variance, which makes second derivatives wrong.
        """
        inputs = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        axes = [axis for axis in range(len(inputs.shape)) if axis != self.axis % len(inputs.shape)]
        mean = ops.mean(inputs, axis=axes, keepdims=True)
        variance = ops.mean(ops.square(inputs - mean), axis=axes, keepdims=True)
        mean, variance = ops.squeeze(mean, axes), ops.squeeze(variance, axes)
        gamma, beta = self._affine(inputs.dtype)
        outputs = ops.batch_normalization(inputs, mean, variance, self.axis, beta, gamma, self.epsilon)
        return outputs, mean, variance
