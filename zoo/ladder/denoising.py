"""What a trained ladder's decoder does, level by level."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo.ladder.encoder import encode


class Level(NamedTuple):
    """One level of a ladder on one batch, in the units in which its cost compares.

    Attributes:
        clean: z, `(n, ...)`.
        corrupted: z̃.
        denoised: ẑ; None where the level has no decoder.
    """

    clean: Any
    corrupted: Any
    denoised: Any


def denoise_levels(model, inputs):
    """Clean, corrupted and denoised values of every level, on the batch's own statistics.

    Args:
        model: built `LadderNetwork`; its Gaussian noise is drawn, no adversarial noise.
        inputs: `(n, ...)`, preprocessed.

    Returns:
        A list of `Level`s of NumPy arrays, from the input to the logits.
    """
    dtype = model.rungs[0].normalization.compute_dtype
    inputs = ops.cast(ops.reshape(inputs, (-1, *model.level_shapes[0])), dtype)
    clean = encode(model.rungs, inputs)
    corrupted = encode(model.rungs, inputs, None, lambda level, z: z + model.gaussian_noise(level, z))
    estimates = model.decoder.denoise(corrupted.z, corrupted.logits)
    moments = [None, *clean.moments]
    levels = []
    for level, (z, noisy) in enumerate(zip(clean.z, corrupted.z, strict=True)):
        estimate = estimates.get(level)
        if estimate is not None:
            estimate = ops.convert_to_numpy(model.decoder.normalized(level, estimate, moments[level]))
        levels.append(Level(ops.convert_to_numpy(z), ops.convert_to_numpy(noisy), estimate))
    return levels


def combinator_curves(model, level, z, signals, unit):
    """g(z̃, u) of one unit as a function of z̃, for some signals u from above.

    Args:
        model: built `LadderNetwork`.
        level: 0 is the input.
        z: `(n,)` values of z̃.
        signals: values of u; not used where the level has no signal from above.
        unit: index of a unit, or of a channel.

    Returns:
        `(len(signals), n)`; one row where g takes no signal.

    Raises:
        ValueError: the level has no combinator.
    """
    combinator = model.decoder.combinators.get(str(level))
    if combinator is None:
        known = ", ".join(model.decoder.combinators) or "none"
        raise ValueError(f"Level {level!r} has no combinator; levels with one: {known}.")
    top = level == len(model.rungs)
    has_signal = combinator.takes_signal and (top or str(level) in model.decoder.maps)
    dtype = model.rungs[0].normalization.compute_dtype
    noisy = np.repeat(np.asarray(z, dtype)[:, None], model.level_shapes[level][-1], axis=1)
    rows = []
    for signal in signals if has_signal else [None]:
        u = None if signal is None else ops.convert_to_tensor(np.full_like(noisy, signal))
        rows.append(ops.convert_to_numpy(combinator.denoise(ops.convert_to_tensor(noisy), u))[:, unit])
    return np.stack(rows)
