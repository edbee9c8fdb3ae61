"""The iterated attack of Madry et al., with momentum, restarts and targets."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo.analysis.attacks.inputs import as_floating
from zoo.analysis.attacks.objectives import likeliest_others, margin
from zoo.analysis.prediction_pass import predict_logits, prediction_pass
from zoo.backend.programs import program_for
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.math import per_example
from zoo.regularizers.math.balls import STEEPEST, draw_from_ball, project_inputs
from zoo.regularizers.math.input_range import clip_to_range
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice, check_number, class_indices

Tensor = Any  # a tensor of the backend, or a NumPy array


def make_steps(norm: str, input_range: tuple[float, float] | None) -> Callable[[Any], Callable[..., Tensor]]:
    """All steps of one run, as a function of the network."""
    seed = keras.random.SeedGenerator(0)  # not used: the loss gradient draws no random numbers

    def of_network(network):
        def run(clean, start, classes, sign, epsilon, step_size, momentum, num_steps):
            def step(k, x, before):
                gradient = sign * prediction_pass(network, x, classes, seed=seed).loss_gradient
                size = ops.sum(ops.abs(per_example.flatten(gradient)), axis=-1)
                scale = per_example.expand(ops.where(size > 0, size, ops.ones_like(size)), x)
                # Without momentum the gradient stays as it is, for a division would round it.
                mean = ops.where(momentum > 0, momentum * before + gradient / scale, gradient)
                moved = x + step_size * adversarial_noise(mean, STEEPEST[norm])
                return k + 1, project_inputs(moved, clean, epsilon, norm, input_range), mean

            state = (ops.zeros((), "int32"), start, ops.zeros_like(start))
            return ops.while_loop(lambda k, x, before: k < num_steps, step, state)[1]

        return run

    return of_network


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
    momentum: float = 0.0,
    num_restarts: int = 1,
    num_targets: int = 0,
) -> Tensor:
    """Projected gradient descent (PGD): `x ← Π(x + α·δ)`, repeated, with `δ = sign(g)` (L∞) or `g/‖g‖` (L2).

    g is the loss gradient at x; with momentum μ it is `μ·g_before + ∇/‖∇‖₁`. Π projects to the ball of radius ε about
    the input, and then to the range of inputs.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, as the network takes them.
        labels: class indices, `(n,)`, or one-hot rows.
        epsilon: ε, radius of the ball in the norm, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None, for the random start.
        input_range: `(low, high)` of valid inputs, or None: 0 to 255 for inputs in uint8, else no bounds.
        norm: `"linf"` or `"l2"`.
        num_steps: number of steps, at least 1.
        step_size: α, at least 0, in units of the input. None takes `2.5·ε/num_steps`, which reaches every point of the
            ball.
        random_start: whether the attack starts from a random point of the ball, and not from the input.
        momentum: μ, at least 0.
        num_restarts: number of runs from random starts, at least 1.
        num_targets: 0, or number of the likeliest other classes that the attack approaches in runs of their own. Such a
            run descends on the cross-entropy of its target.

    Returns:
        Perturbed inputs, `(n, ...)`: of several runs, those of the largest margin `max_{i≠y} z_i − z_y`.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, or `norm` is unknown, or there are restarts without a random start.

    Source: Madry, Makelov, Schmidt, Tsipras, Vladu, 2018, "Towards deep learning models resistant to adversarial
    attacks", https://arxiv.org/abs/1706.06083. Momentum: Dong, Liao, Pang, Su, Zhu, Hu, Li, 2018, "Boosting adversarial
    attacks with momentum", https://arxiv.org/abs/1710.06081.

    Example:
        >>> network, x = zoo.networks.mlp((4,), 3, hidden_units=(8,)), np.zeros((1, 4), "float32")
        >>> attacked = zoo.analysis.projected_gradient_descent(network, x, [0], 0.1, seed=0, norm="linf", num_steps=5)
        >>> round(float(np.abs(attacked).max()), 4)
        0.1
    """
    check_choice("norm", norm, STEEPEST)
    check_number("epsilon", epsilon, 0)
    check_number("num_steps", num_steps, 1, integer=True)
    check_number("momentum", momentum, 0)
    check_number("num_targets", num_targets, 0, integer=True)
    if check_number("num_restarts", num_restarts, 1, integer=True) > 1 and not random_start:
        raise ValueError(f"Restarts need random_start=True, received num_restarts={num_restarts} without it.")
    step_size = 2.5 * epsilon / num_steps if step_size is None else check_number("step_size", step_size, 0)
    clean, input_range = as_floating(inputs, input_range)
    labels, generator = class_indices(labels).astype("int32"), as_generator(seed)
    numbers = [ops.convert_to_tensor(number, clean.dtype) for number in (epsilon, step_size, momentum)]
    numbers.append(ops.convert_to_tensor(num_steps, "int32"))
    run = program_for(network, ("pgd", norm, input_range), make_steps(norm, input_range))

    def attack(classes, sign):
        x = clean
        if random_start:
            x = clip_to_range(clean + draw_from_ball(clean, epsilon, norm, generator), input_range)
        sign = ops.convert_to_tensor(sign, clean.dtype)
        return run(clean, x, ops.convert_to_tensor(classes), sign, *numbers)

    if num_restarts == 1 and not num_targets:
        return attack(labels, 1.0)
    predict = program_for(network, "logits", lambda network: functools.partial(predict_logits, network))
    classes = [(labels, 1.0)]
    if num_targets:
        others = likeliest_others(ops.convert_to_numpy(predict(clean)), labels)
        classes = [(others[:, rank], -1.0) for rank in range(min(num_targets, others.shape[1]))]
    return _most_wrong([attack(*each) for _ in range(num_restarts) for each in classes], predict, labels)


def _most_wrong(runs, predict, labels):
    """For each example the one of several perturbed inputs with the largest margin of another class."""
    margins = ops.stack([margin(predict(x), ops.convert_to_tensor(labels)) for x in runs])
    best = ops.one_hot(ops.argmax(margins, axis=0), len(runs), axis=0, dtype=runs[0].dtype)
    return sum(per_example.expand(chosen, x) * x for chosen, x in zip(best, runs, strict=True))
