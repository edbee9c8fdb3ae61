"""The iterated attack of Madry et al."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.analysis.prediction_pass import loss_gradient
from zoo.backend.random_numbers import Seed, as_generator, uniform
from zoo.regularizers.math import per_example
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend, or a NumPy array

STEPS = {"linf": "sign", "l2": "l2"}  # the kind of noise that is steepest ascent in each norm


def project(perturbation: Tensor, epsilon: float, norm: str) -> Tensor:
    """The nearest perturbation whose norm is at most ε, example by example.

    Args:
        perturbation: `(n, ...)`.
        epsilon: ε, at least 0.
        norm: `"linf"` or `"l2"`.

    Returns:
        `(n, ...)`.

    Example:
        >>> from zoo.analysis.attacks.projected_gradient_descent import project
        >>> np.asarray(project(np.array([[3.0, 4.0]]), 1.0, "l2"))
        array([[0.6, 0.8]])
    """
    if norm == "linf":
        return ops.clip(perturbation, -epsilon, epsilon)
    size = ops.sqrt(per_example.squared_norm(perturbation))
    scale = ops.where(size > epsilon, epsilon / ops.maximum(size, keras.config.epsilon()), ops.ones_like(size))
    return perturbation * per_example.expand(scale, perturbation)


def draw_from_ball(inputs: Tensor, epsilon: float, norm: str, seed: keras.random.SeedGenerator) -> Tensor:
    """Draws a perturbation from the ball of radius ε, uniformly.

    Args:
        inputs: `(n, ...)`.
        epsilon: ε, at least 0.
        norm: `"linf"` or `"l2"`.
        seed: generator of seeds.

    Returns:
        `(n, ...)`.

    Example:
        >>> from zoo.analysis.attacks.projected_gradient_descent import draw_from_ball
        >>> start = draw_from_ball(np.zeros((1, 3)), 2.0, "linf", keras.random.SeedGenerator(0))
        >>> bool(np.abs(start).max() <= 2.0)
        True
    """
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    if norm == "linf":
        return epsilon * (2 * uniform(tuple(inputs.shape), dtype, seed) - 1)
    direction = per_example.random_direction(inputs, seed)
    entries = per_example.flatten(inputs).shape[-1]
    share = uniform((inputs.shape[0],), dtype, seed) ** (1 / entries)
    return epsilon * per_example.expand(share, inputs) * direction


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
    kind = STEPS[check_choice("norm", norm, STEPS)]
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
