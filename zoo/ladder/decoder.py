"""The decoder of a ladder, and the costs of what it denoises."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.moments import mean
from zoo.ladder.combinators import build_combinator
from zoo.ladder.projections import counterpart
from zoo.ladder.rung import EPSILON, Rung, batch_moments, standardize

Tensor = Any  # a tensor of the backend


class Decoder(keras.layers.Layer):
    """Computes the denoised ẑ of every level from its corrupted z̃ and the corrupted prediction, from the top down.

    `u^L = BN(softmax(h̃^L))`, below `u^l = BN(V^{l+1} ẑ^{l+1})`, and `ẑ^l = g(z̃^l, u^l)`. The maps V have their own
    weights. BN uses the statistics of the batch.

    Args:
        rungs: the built rungs of the encoder, from the bottom to the top.
        shapes: shapes of z⁰ … z^L for one example.
        combinators: name of g for each of z⁰ … z^L, or None for a level without decoder.
        **kwargs: arguments of `keras.layers.Layer`.

    Source: Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder networks",
    https://arxiv.org/abs/1507.02672, algorithm 1.

    Example:
        >>> rungs = [{"name": "dense", "units": 16}, {"name": "dense", "units": 10}]
        >>> encoder = zoo.ladder.ladder_encoder((784,), num_classes=10, rungs=rungs)
        >>> model = zoo.LadderNetwork(encoder, denoising_weights=[0, 0, 1.0])
        >>> list(model.decoder.combinators)
        ['2']
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        shapes: Sequence[tuple[int, ...]],
        combinators: Sequence[str | None],
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.combinators, self.maps = {}, {}
        for level, name in enumerate(combinators):
            if name is None:
                continue
            combinator = self.combinators[str(level)] = build_combinator(name)
            above_top = level == len(rungs)
            has_signal = combinator.takes_signal and (above_top or combinators[level + 1] is not None)
            shape = (None, *shapes[level])
            combinator.build(shape, shape if has_signal else None)
            if has_signal and not above_top:
                above = (None, *shapes[level + 1])
                self.maps[str(level)] = counterpart(rungs[level].projection, shape[1:], above[1:])
                self.maps[str(level)].build(above)
        self.built = True

    def denoise(self, z: Sequence[Tensor], logits: Tensor) -> dict[int, Tensor]:
        """Denoises all levels.

        Args:
            z: corrupted z̃⁰ … z̃^L.
            logits: logits of the corrupted path, `(n, num_classes)`.

        Returns:
            `{level: ẑ}` for the levels that have a combinator.
        """
        estimates = {}
        signal = ops.softmax(logits)
        for level in reversed(range(len(z))):
            key = str(level)
            if key not in self.combinators:
                signal = None
                continue
            signal = self._normalized_signal(key, signal, z[level].dtype)
            signal = estimates[level] = self.combinators[key].denoise(z[level], signal)
        return estimates

    def _normalized_signal(self, key, above, dtype):
        """U of a level from ẑ of the one above, or from the prediction; None where g takes none."""
        if above is None or not self.combinators[key].takes_signal:
            return None
        signal = ops.cast(self.maps[key](above) if key in self.maps else above, dtype)
        return standardize(signal, *batch_moments(signal))

    def normalized(self, level: int, estimate: Tensor, moments: tuple[Tensor, Tensor] | None) -> Tensor:
        """`(ẑ^l − μ^l)/σ^l`. At the bottom, and if g returns normalized units, `ẑ^l` itself.

        Args:
            level: l.
            estimate: ẑ^l, `(n, ...)`.
            moments: mean and variance of the clean path before its normalization, or None at the bottom.

        Returns:
            `(n, ...)`.
        """
        if moments is None or self.combinators[str(level)].normalized:
            return estimate
        return standardize(estimate, *moments)

    def cost(self, level: int, z: Tensor, estimate: Tensor, moments: tuple[Tensor, Tensor] | None) -> Tensor:
        """`mean ‖z^l − (ẑ^l − μ^l)/σ^l‖²` over batch and units.

        A unit with the same value in the whole batch costs nothing, because its σ^l is 0. In a batch of one row this
        applies to all units.

        Args:
            level: l.
            z: clean z^l, `(n, ...)`.
            estimate: ẑ^l, `(n, ...)`.
            moments: as for `normalized`.

        Returns:
            A scalar.
        """
        squares = ops.square(z - self.normalized(level, estimate, moments))
        if moments is not None:
            squares = ops.where(moments[1] > EPSILON, squares, ops.zeros_like(squares))
        return mean(squares)
