"""What the decoder of a trained ladder does, level by level."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo.ladder.encoder import encode
from zoo.ladder.ladder_network import LadderNetwork

Tensor = Any  # a tensor of the backend


class Level(NamedTuple):
    """One level of a ladder on one batch, in the units in which its cost compares.

    Attributes:
        clean: z, `(n, ...)`.
        corrupted: z̃, `(n, ...)`.
        denoised: ẑ, `(n, ...)`; None if the level has no decoder.

    Example:
        >>> from zoo.ladder.denoising import Level
        >>> Level(np.ones(2), np.ones(2), None).denoised is None
        True
    """

    clean: np.ndarray
    corrupted: np.ndarray
    denoised: np.ndarray | None


def denoise_levels(model: LadderNetwork, inputs: Tensor) -> list[Level]:
    """Clean, corrupted and denoised values of every level, with the statistics of the batch.

    Args:
        model: built `LadderNetwork`. Its Gaussian noise is drawn, its adversarial noise is not.
        inputs: `(n, ...)`, preprocessed.

    Returns:
        The levels, from the input to the logits, as NumPy arrays.

    Example:
        >>> from zoo.ladder.denoising import denoise_levels
        >>> rungs = [{"name": "dense", "units": 8}, {"name": "dense", "units": 3}]
        >>> encoder = zoo.ladder.ladder_encoder((6,), num_classes=3, rungs=rungs)
        >>> model = zoo.LadderNetwork(encoder, denoising_weights=[1.0, 0.1, 0.1])
        >>> [level.denoised.shape for level in denoise_levels(model, np.ones((4, 6), "float32"))]
        [(4, 6), (4, 8), (4, 3)]
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


def combinator_curves(
    model: LadderNetwork, level: int, z: Sequence[float] | np.ndarray, signals: Sequence[float], unit: int
) -> np.ndarray:
    """g(z̃, u) of one unit as a function of z̃, for some signals u from above.

    Args:
        model: built `LadderNetwork`.
        level: number of the level; 0 is the input.
        z: values of z̃, `(n,)`.
        signals: values of u. They are not used if the level has no signal from above.
        unit: index of the unit, or of the channel.

    Returns:
        `(len(signals), n)`, or `(1, n)` if g takes no signal.

    Raises:
        ValueError: the level has no combinator.

    Example:
        >>> from zoo.ladder.denoising import combinator_curves
        >>> encoder = zoo.ladder.ladder_encoder((6,), num_classes=3, rungs=[{"name": "dense", "units": 3}])
        >>> model = zoo.LadderNetwork(encoder, denoising_weights=[0, 1.0], combinators="identity")
        >>> combinator_curves(model, 1, [-1.0, 1.0], signals=[0.0], unit=2)
        array([[-1.,  1.]], dtype=float32)
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
