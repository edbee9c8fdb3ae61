"""Projected gradient ascent inside a ball about the inputs: the iteration of PGD and TRADES."""

from collections.abc import Callable
from typing import Any

from keras import ops

from zoo.regularizers.math.balls import STEEPEST, project_inputs
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


def step_length(step_size: float | None, epsilon: float, num_steps: int) -> float:
    """The length α of the steps of an attack.

    Args:
        step_size: α, at least 0, in units of the input; or None for `min(1, 2.5/num_steps)·ε`, which reaches every
            point of the ball.
        epsilon: ε, radius of the ball.
        num_steps: number of steps, at least 1.

    Returns:
        α.

    Raises:
        TypeError: `step_size` is not a number.
        ValueError: `step_size` is negative.

    Example:
        >>> from zoo.regularizers.math.projected_ascent import step_length
        >>> step_length(None, 0.5, 1), step_length(None, 0.5, 5), step_length(0.1, 0.5, 5)
        (0.5, 0.25, 0.1)
    """
    if step_size is None:
        return min(1.0, 2.5 / num_steps) * epsilon
    return check_number("step_size", step_size, 0)


def projected_ascent(
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    center: Tensor,
    *,
    epsilon: float,
    norm: str,
    num_steps: int,
    step_size: float,
    input_range: tuple[float, float] | None = None,
) -> Tensor:
    """Repeats `x ← Π(x + α·δ)` with `δ = sign(g)` (L∞) or `g/‖g‖` (L2), where g is the gradient at x.

    Π projects to the ball of radius ε about the center, and then to the range of inputs.

    Args:
        gradient: `x -> g`, `(n, ...) -> (n, ...)`.
        start: the first x, `(n, ...)`.
        center: of the ball, `(n, ...)`.
        epsilon: ε, radius of the ball, at least 0.
        norm: `"linf"` or `"l2"`.
        num_steps: number of steps, at least 0.
        step_size: α, at least 0.
        input_range: `(low, high)` of valid inputs, or None.

    Returns:
        The last x, `(n, ...)`.

    Source: Madry, Makelov, Schmidt, Tsipras, Vladu, 2018, "Towards deep learning models resistant to adversarial
    attacks", https://arxiv.org/abs/1706.06083.

    Example:
        >>> from zoo.regularizers.math.projected_ascent import projected_ascent
        >>> x = np.zeros((1, 2))
        >>> np.asarray(projected_ascent(lambda x: 1 - x, x, x, epsilon=0.5, norm="linf", num_steps=9, step_size=0.1))
        array([[0.5, 0.5]])
    """
    x = start
    # Unrolled, which compiles within seconds. In a loop of the backend the gradient of a convolution takes up to twice
    # as long on a CPU, TensorFlow's XLA refuses it, and devices cannot share their batch statistics.
    for _ in range(num_steps):
        moved = x + step_size * adversarial_noise(ops.stop_gradient(gradient(x)), STEEPEST[norm])
        x = project_inputs(moved, center, epsilon, norm, input_range)
    return x
