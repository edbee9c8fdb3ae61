"""The iterated attack of Madry et al."""

import keras
from keras import ops

from zoo.analysis.prediction_pass import loss_gradient
from zoo.backend.random_numbers import uniform
from zoo.regularizers.math import per_example
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice, check_number

STEPS = {"linf": "sign", "l2": "l2"}  # the kinds of noise that are steepest ascent in each norm


def project(perturbation, epsilon, norm):
    """The nearest perturbation to this one whose norm is at most ε, per example."""
    if norm == "linf":
        return ops.clip(perturbation, -epsilon, epsilon)
    size = ops.sqrt(per_example.squared_norm(perturbation))
    scale = ops.where(size > epsilon, epsilon / ops.maximum(size, keras.config.epsilon()), ops.ones_like(size))
    return perturbation * per_example.expand(scale, perturbation)


def random_start(inputs, epsilon, norm, seed):
    """A perturbation drawn uniformly from the ball of radius ε."""
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    if norm == "linf":
        return epsilon * (2 * uniform(tuple(inputs.shape), dtype, seed) - 1)
    direction = per_example.random_direction(inputs, seed)
    entries = per_example.flatten(inputs).shape[-1]
    share = uniform((inputs.shape[0],), dtype, seed) ** (1 / entries)
    return epsilon * per_example.expand(share, inputs) * direction


def projected_gradient_descent(
    network, inputs, labels, epsilon, seed=None, input_range=None, *, norm, num_steps=20, step_size=None
):
    """PGD: `x ← Π(x + α·δ)`, repeated, with `δ = sign(g)` (L∞) or `g/‖g‖` (L2), g the loss gradient at x.

    Π projects onto the ball of radius ε about the input, and then onto the range of inputs.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, floating-point, as the network takes them.
        labels: `(n,)` class indices.
        epsilon: ε, radius in the norm, at least 0, in units of the input.
        seed: `keras.random.SeedGenerator`, to start from a point drawn from the ball; None starts from the input.
        input_range: `(low, high)` of valid inputs, or None.
        norm: `"linf"` or `"l2"`.
        num_steps: at least 1.
        step_size: α, at least 0; None takes `2.5·ε/num_steps`, with which every point of the ball is in reach.

    Returns:
        Perturbed inputs, `(n, ...)`.

    Raises:
        ValueError: an argument out of its range.

    Source: Madry, Makelov, Schmidt, Tsipras, Vladu 2018.
    """
    kind = STEPS[check_choice("norm", norm, STEPS)]
    check_number("epsilon", epsilon, 0)
    check_number("num_steps", num_steps, 1, integer=True)
    step_size = 2.5 * epsilon / num_steps if step_size is None else check_number("step_size", step_size, 0)
    input_range = check_input_range(input_range)
    clean = ops.convert_to_tensor(inputs)
    x = clean
    if seed is not None:
        x = clip_to_range(clean + random_start(clean, epsilon, norm, seed), input_range)
    for _ in range(num_steps):
        moved = x + step_size * adversarial_noise(loss_gradient(network, x, labels), kind)
        x = clip_to_range(clean + project(moved - clean, epsilon, norm), input_range)
    return x
