"""The smallest step from a point of a box to a hyperplane, within the box."""

from typing import Any

from keras import ops

from zoo.regularizers.math import per_example

Tensor = Any  # a tensor of the backend, or a NumPy array
NUM_NEWTON_STEPS = 12
TINY = 1e-30


def step_to_hyperplane(
    x: Tensor, normal: Tensor, offset: Tensor, norm: str, input_range: tuple[float, float] | None
) -> Tensor:
    """The step δ of the smallest norm with `⟨w, δ⟩ + b = 0` and `x + δ` in the box, example by example.

    With `s = −sign(b)·sign(w)` it is `δ_i = s_i·min(λ·a_i, room_i)`, where room is the distance to the bound on the way
    of s, and `a_i = 1` (L∞) or `|w_i|` (L2). `⟨w, δ⟩` is a concave, piecewise linear function of λ, so Newton's steps
    from λ = 0 never pass the root, and reach it. If no point of the box is on the hyperplane, δ leads to the nearest
    corner.

    Args:
        x: points in the box, `(n, ...)`.
        normal: w, `(n, ...)`.
        offset: b, `(n,)`.
        norm: `"linf"` or `"l2"`.
        input_range: `(low, high)`, the box, or None.

    Returns:
        δ, `(n, ...)`.

    Source: Croce, Hein, 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
    https://arxiv.org/abs/1907.02044, equation 5.

    Example:
        >>> from zoo.analysis.attacks.hyperplane import step_to_hyperplane
        >>> x, w = np.array([[0.5, 0.9]]), np.array([[1.0, 1.0]])
        >>> np.asarray(step_to_hyperplane(x, w, np.array([-0.4]), "linf", (0.0, 1.0))).round(4)
        array([[0.3, 0.1]])
    """
    size = ops.max(ops.abs(per_example.flatten(normal)), axis=-1)
    size = ops.where(size > 0, size, ops.ones_like(size))  # scaled, so that squares neither vanish nor overflow
    w = per_example.flatten(normal / per_example.expand(size, normal))
    signs = -ops.sign(per_example.expand(offset, w)) * ops.sign(w)
    weights, rates = ops.abs(w), ops.abs(ops.sign(w)) if norm == "linf" else ops.abs(w)
    room = ops.full_like(w, float("inf"))
    if input_range is not None:
        point = per_example.flatten(x)
        room = ops.maximum(ops.where(signs > 0, input_range[1] - point, point - input_range[0]), 0.0)
    wanted = ops.abs(offset) / size
    scale = ops.zeros_like(wanted)
    for _ in range(NUM_NEWTON_STEPS if input_range is not None else 1):
        steps = scale[:, None] * rates
        lacking = wanted - ops.sum(weights * ops.minimum(steps, room), axis=-1)
        slope = ops.sum(ops.where(steps < room, weights * rates, ops.zeros_like(weights)), axis=-1)
        scale = ops.where(slope > TINY, scale + ops.maximum(lacking, 0.0) / ops.maximum(slope, TINY), scale)
    return ops.reshape(signs * ops.minimum(scale[:, None] * rates, room), ops.shape(x))
