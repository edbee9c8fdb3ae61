"""Word embeddings of mean 0 and variance 1 over the vocabulary."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any  # a tensor of the backend

SMALLEST_VARIANCE = 1e-12  # a vocabulary of one word has variance 0


@keras.saving.register_keras_serializable(package="zoo")
class NormalizedEmbedding(keras.layers.Embedding):
    """An `Embedding` whose entries have mean 0 and variance 1 over the vocabulary.

    `v̄_k = (v_k − E(v)) / sqrt(Var(v))` with `E(v) = Σ_j f_j·v_j` and `Var(v) = Σ_j f_j·(v_j − E(v))²`, for each
    entry of the vectors v. Gradients run through E and Var too. Without the normalization, embeddings can grow during
    training, so that perturbations of a fixed norm ε no longer matter. Name the layer in `perturb` of
    `RegularizedModel`.

    Args:
        input_dim: size of the vocabulary, as for `keras.layers.Embedding`.
        output_dim: length of the vectors.
        frequencies: `(input_dim,)` frequencies of the tokens, at least 0, such as their counts in the training texts;
            f is their share. None (default) gives every token the same. With `mask_zero=True` token 0 is padding, whose
            frequency counts as 0.
        **kwargs: further arguments of `keras.layers.Embedding`, such as `mask_zero`.

    Raises:
        ValueError: `frequencies` has another shape, an entry that is negative or not finite, or no positive entry that
            counts.

    Source: Miyato, Dai, Goodfellow, 2017, "Adversarial training methods for semi-supervised text classification",
    equation 1, https://arxiv.org/abs/1605.07725.

    Example:
        >>> layer = zoo.layers.NormalizedEmbedding(2, 1, frequencies=[3, 1], weights=np.array([[5.0], [9.0]]))
        >>> np.asarray(layer(np.array([0, 1]))).round(3)
        array([[-0.577],
               [ 1.732]], dtype=float32)
    """

    def __init__(self, input_dim: int, output_dim: int, frequencies: Sequence[float] | None = None, **kwargs: Any):
        super().__init__(input_dim, output_dim, **kwargs)
        self.frequencies = None if frequencies is None else np.asarray(frequencies, "float64").tolist()
        self._shares = _shares(self.frequencies, input_dim, self.mask_zero)

    def call(self, inputs: Tensor) -> Tensor:
        """Looks up the vectors of tokens and normalizes them."""
        table: Any = ops.convert_to_tensor(self.embeddings)
        shares = ops.convert_to_tensor(self._shares[:, None], table.dtype)
        mean = ops.sum(shares * table, axis=0)
        variance = ops.sum(shares * ops.square(table - mean), axis=0)
        vectors = ops.take(table, ops.cast(inputs, "int32"), axis=0)
        normalized = (vectors - mean) * ops.rsqrt(ops.maximum(variance, SMALLEST_VARIANCE))
        return ops.cast(normalized, self.compute_dtype)

    def quantize(self, *args: Any, **kwargs: Any) -> None:
        """Not supported: Keras would look up quantized vectors without the normalization."""
        raise NotImplementedError(
            f"The NormalizedEmbedding {self.name!r} cannot be quantized. Quantize other layers, or use an Embedding "
            "whose weights are the normalized vectors."
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "frequencies": self.frequencies}


def _shares(frequencies: Sequence[float] | None, input_dim: int, mask_zero: bool) -> np.ndarray:
    """The frequencies as shares of 1."""
    counts = np.ones(input_dim) if frequencies is None else np.array(frequencies)
    if counts.shape != (input_dim,):
        raise ValueError(f"frequencies must have shape ({input_dim},), one per token, received {counts.shape}.")
    wrong = counts[~(np.isfinite(counts) & (counts >= 0))]
    if wrong.size:
        raise ValueError(f"frequencies must be finite and at least 0, received {wrong[0]}.")
    if mask_zero:
        counts[0] = 0
    if not counts.sum():
        without = ", besides the padding's" if mask_zero else ""
        raise ValueError(f"frequencies must have a positive entry{without}, received zeros.")
    return counts / counts.sum()
