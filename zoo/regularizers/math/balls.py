"""Balls of perturbations whose norm is bounded, example by example."""

from typing import Any

import keras
from keras import ops

from zoo.backend.random_numbers import uniform_like
from zoo.regularizers.math import per_example
from zoo.regularizers.math.input_range import clip_to_range

Tensor = Any  # a tensor of the backend

STEEPEST = {"linf": "sign", "l2": "l2"}
"""Each norm, and the kind of `adversarial_noise` that is steepest ascent in it."""


def project(perturbation: Tensor, epsilon: float, norm: str) -> Tensor:
    """The nearest perturbation whose norm is at most ε, example by example.

    Args:
        perturbation: `(n, ...)`.
        epsilon: ε, at least 0.
        norm: `"linf"` or `"l2"`.

    Returns:
        `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math.balls import project
        >>> np.asarray(project(np.array([[3.0, 4.0]]), 1.0, "l2"))
        array([[0.6, 0.8]])
    """
    if norm == "linf":
        return ops.clip(perturbation, -epsilon, epsilon)
    size = ops.sqrt(per_example.squared_norm(perturbation))
    scale = ops.where(size > epsilon, epsilon / ops.maximum(size, keras.config.epsilon()), ops.ones_like(size))
    return perturbation * per_example.expand(scale, perturbation)


def project_inputs(
    x: Tensor, center: Tensor, epsilon: float, norm: str, input_range: tuple[float, float] | None
) -> Tensor:
    """Π: projects inputs to the ball of radius ε about a center, and then to the range of inputs.

    Args:
        x: `(n, ...)`.
        center: `(n, ...)`, in the range.
        epsilon: ε, at least 0.
        norm: `"linf"` or `"l2"`.
        input_range: `(low, high)` of valid inputs, or None.

    Returns:
        `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math.balls import project_inputs
        >>> np.asarray(project_inputs(np.array([[3.0, -4.0]]), np.zeros((1, 2)), 1.0, "l2", (0, 1)))
        array([[0.6, 0. ]])
    """
    return clip_to_range(center + project(x - center, epsilon, norm), input_range)


def draw_from_ball(
    inputs: Tensor, epsilon: float, norm: str, seed: keras.random.SeedGenerator, moved: Tensor | None = None
) -> Tensor:
    """Draws a perturbation from the ball of radius ε, uniformly.

    Args:
        inputs: `(n, ...)`, whose shape and type the perturbation has.
        epsilon: ε, at least 0.
        norm: `"linf"` or `"l2"`.
        seed: generator of seeds.
        moved: 1 for the entries that move and 0 for those that stay, `(n, ...)`; None if all move. The ball is then one
            of the entries that move.

    Returns:
        `(n, ...)`.

    Example:
        >>> from zoo.regularizers.math.balls import draw_from_ball
        >>> start = draw_from_ball(np.zeros((1, 3)), 2.0, "linf", keras.random.SeedGenerator(0))
        >>> bool(np.abs(start).max() <= 2.0)
        True
    """
    if norm == "linf":
        drawn = ops.cast(epsilon * (2 * uniform_like(inputs, seed) - 1), inputs.dtype)
        return drawn if moved is None else drawn * ops.cast(moved, inputs.dtype)
    direction, entries = per_example.random_direction(inputs, seed), per_example.num_entries(inputs)
    if moved is not None:
        moved = ops.cast(moved, inputs.dtype) * ops.ones_like(inputs)
        direction = per_example.normalize(direction * moved)
        entries = ops.maximum(ops.sum(per_example.flatten(moved), axis=-1), 1)
    drawn = uniform_like(per_example.flatten(inputs)[:, 0], seed)
    share = ops.cast(drawn ** (1 / ops.cast(entries, drawn.dtype)), inputs.dtype)
    return epsilon * per_example.expand(share, inputs) * direction
