"""The iterated attack of Madry et al."""

from collections.abc import Callable
from typing import Any

from keras import ops

from zoo.analysis.prediction_pass import loss_gradient
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.math.balls import STEEPEST, draw_from_ball, project
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend, or a NumPy array


def projected_gradient_descent(
    network: Callable[..., Tensor],
    inputs: Tensor,
    labels: Tensor,
    epsilon: float,
    seed: Seed = None,
    input_range: tuple[float, float] | None = None,
    *,
    norm: str,
    num_steps: int = 20,
    step_size: float | None = None,
    random_start: bool = True,
) -> Tensor:
    """Projected gradient descent (PGD): `x ← Π(x + α·δ)`, repeated, with `δ = sign(g)` (L∞) or `g/‖g‖` (L2).

    g is the loss gradient at x. Π projects to the ball of radius ε about the input, and then to the range of inputs.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, in floating point, as the network takes them.
        labels: class indices, `(n,)`.
        epsilon: ε, radius of the ball in the norm, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None, for the random start.
        input_range: `(low, high)` of valid inputs, or None.
        norm: `"linf"` or `"l2"`.
        num_steps: number of steps, at least 1.
        step_size: α, at least 0, in units of the input. None takes `2.5·ε/num_steps`, which reaches every point of the
            ball.
        random_start: whether the attack starts from a random point of the ball, and not from the input.

    Returns:
        Perturbed inputs, `(n, ...)`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, or `norm` is unknown.

    Source: Madry, Makelov, Schmidt, Tsipras, Vladu, 2018, "Towards deep learning models resistant to adversarial
    attacks", https://arxiv.org/abs/1706.06083.

    Example:
        >>> network, x = zoo.networks.mlp((4,), 3, hidden_units=(8,)), np.zeros((1, 4), "float32")
        >>> attacked = zoo.analysis.projected_gradient_descent(network, x, [0], 0.1, seed=0, norm="linf", num_steps=5)
        >>> round(float(np.abs(attacked).max()), 4)
        0.1
    """
    kind = STEEPEST[check_choice("norm", norm, STEEPEST)]
    check_number("epsilon", epsilon, 0)
    check_number("num_steps", num_steps, 1, integer=True)
    step_size = 2.5 * epsilon / num_steps if step_size is None else check_number("step_size", step_size, 0)
    input_range = check_input_range(input_range)
    clean: Any = ops.convert_to_tensor(inputs)
    x = clean
    if random_start:
        x = clip_to_range(clean + draw_from_ball(clean, epsilon, norm, as_generator(seed)), input_range)
    for _ in range(num_steps):
        moved = x + step_size * adversarial_noise(loss_gradient(network, x, labels), kind)
        x = clip_to_range(clean + project(moved - clean, epsilon, norm), input_range)
    return x
