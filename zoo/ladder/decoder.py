"""The ladder's decoder, and the costs of what it denoises."""

import keras
from keras import ops

from zoo.ladder.combinators import build_combinator
from zoo.ladder.projections import counterpart
from zoo.ladder.rung import EPSILON, batch_moments, standardize


class Decoder(keras.layers.Layer):
    """From the corrupted z of every rung and the corrupted prediction to the denoised ẑ, from the top down.

    `u^L = BN(softmax(h̃^L))`, below `u^l = BN(V^{l+1} ẑ^{l+1})`, `ẑ^l = g(z̃^l, u^l)`; V are weights of its own, and BN
    here is on batch statistics alone.

    Args:
        rungs: of the encoder, built.
        shapes: of one example's z⁰ … z^L.
        combinators: for z⁰ … z^L the name of g, or None where there is no decoder.

    Source: Rasmus et al. 2015, algorithm 1.
    """

    def __init__(self, rungs, shapes, combinators, **kwargs):
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

    def denoise(self, z, logits):
        """Denoises.

        Args:
            z: corrupted z⁰ … z^L.
            logits: the corrupted path's, `(n, num_classes)`.

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

    def normalized(self, level, estimate, moments):
        """`(ẑ^l − μ^l)/σ^l`; at the bottom, and where g returns normalized units already, `ẑ` as it is.

        Args:
            level: l.
            estimate: ẑ^l, `(n, ...)`.
            moments: mean and variance of the clean path's values before normalizing, None at the bottom.
        """
        if moments is None or self.combinators[str(level)].normalized:
            return estimate
        return standardize(estimate, *moments)

    def cost(self, level, z, estimate, moments):
        """`mean ‖z^l − (ẑ^l − μ^l)/σ^l‖²` over batch and units; z is the clean one, the rest as for `normalized`.

        A unit that has one value in the whole batch costs nothing: there σ^l is 0. In a batch of one row all are such.
        """
        squares = ops.square(z - self.normalized(level, estimate, moments))
        if moments is not None:
            squares = ops.where(moments[1] > EPSILON, squares, ops.zeros_like(squares))
        return ops.mean(squares)
