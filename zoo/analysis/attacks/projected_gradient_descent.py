"""The iterated attack of Madry et al., with momentum, restarts and targets."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks.inputs import AttackedInputs, bounds_of, network_at
from zoo.analysis.attacks.objectives import check_decides_once, cross_entropy, likeliest_others, margin
from zoo.analysis.attacks.programs import compiled_prediction
from zoo.analysis.prediction_pass import pass_at
from zoo.backend.programs import program_for
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.math import per_example
from zoo.regularizers.math.balls import STEEPEST, draw_from_ball, project_inputs
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend, or a NumPy array


def make_steps(norm: str, input_range: Any) -> Callable[[Any], Callable[..., Tensor]]:
    """All steps of one run, as a function of the network."""
    seed = keras.random.SeedGenerator(0)  # not used: the loss gradient draws no random numbers

    def of_network(network):
        def run(clean, rest, start, labels, sign, epsilon, step_size, momentum, num_steps):
            at = network_at(network, clean, rest)
            bounds = bounds_of(at, input_range)

            def step(k, x, before):
                gradient = sign * pass_at(at, x, labels, seed=seed).loss_gradient
                size = ops.sum(ops.abs(per_example.flatten(gradient)), axis=-1)
                scale = per_example.expand(ops.where(size > 0, size, ops.ones_like(size)), x)
                # Without momentum the gradient stays as it is, for a division would round it.
                mean = ops.where(momentum > 0, momentum * before + gradient / scale, gradient)
                moved = x + step_size * adversarial_noise(mean, STEEPEST[norm])
                return k + 1, project_inputs(moved, clean, epsilon, norm, bounds), mean

            state = (ops.zeros((), "int32"), start, ops.zeros_like(start))
            return ops.while_loop(lambda k, x, before: k < num_steps, step, state)[1]

        return run

    return of_network


def projected_gradient_descent(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
    *,
    norm: str,
    num_steps: int = 20,
    step_size: float | None = None,
    random_start: bool = True,
    momentum: float = 0.0,
    num_restarts: int = 1,
    num_targets: int = 0,
) -> Any:
    """Projected gradient descent (PGD): `x ← Π(x + α·δ)`, repeated, with `δ = sign(g)` (L∞) or `g/‖g‖` (L2).

    g is the loss gradient at x; with momentum μ it is `μ·g_before + ∇/‖∇‖₁`. Π projects to the ball of radius ε about
    the input, and then to the range of inputs.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: as for `misclassified`.
        epsilon: ε, radius of the ball in the norm, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None, for the random start.
        input_range: `(low, high)` of valid inputs, `{name: (low, high)}` of several, or None: 0 to 255 for inputs in
            uint8, else no bounds.
        norm: `"linf"` or `"l2"`.
        num_steps: number of steps, at least 1.
        step_size: α, at least 0, in units of the input. None takes `2.5·ε/num_steps`, which reaches every point of the
            ball from any start.
        random_start: whether the attack starts from a random point of the ball, and not from the input.
        momentum: μ, at least 0.
        num_restarts: number of runs from random starts, at least 1.
        num_targets: 0, or number of the likeliest other classes that the attack approaches in runs of their own. Such a
            run descends on the cross-entropy of its target.

    Returns:
        Perturbed inputs, in the structure of `inputs` (see `zoo.analysis.attacks`). Of several runs those of the
        largest margin `max_{i≠y} z_i − z_y`; of the largest cross-entropy, if the outputs are multi-label or dense.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, or `norm` is unknown, or there are restarts without a random start; or
            targets, but the network does not choose one class for each example.

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
    attacked, generator = AttackedInputs(network, inputs, input_range), as_generator(seed)
    attacked.check_gradient()
    clean, rest = attacked.clean, keras.tree.map_structure(ops.convert_to_tensor, attacked.rest)
    labels = attacked.labels(labels)
    numbers = [ops.convert_to_tensor(number, clean.dtype) for number in (epsilon, step_size, momentum)]
    numbers.append(ops.convert_to_tensor(num_steps, "int32"))
    run = program_for(network, ("pgd", norm, labels.ndim, attacked.input_range), make_steps(norm, attacked.input_range))

    def attack(labels, sign):
        x = clean
        if random_start:
            x = attacked.clip(clean + draw_from_ball(clean, epsilon, norm, generator, attacked.moved))
        sign = ops.convert_to_tensor(sign, clean.dtype)
        return run(clean, rest, x, ops.convert_to_tensor(labels), sign, *numbers)

    runs = _targets(network, clean, rest, labels, num_targets) if num_targets else [(labels, 1.0)]
    found = [attack(*each) for _ in range(num_restarts) for each in runs]
    return attacked.restored(_most_wrong(network, found, rest, labels))


def _targets(
    network: Any, clean: Tensor, rest: Any, labels: np.ndarray, num_targets: int
) -> list[tuple[np.ndarray, float]]:
    """The likeliest other classes of each example, with the sign of descent on their cross-entropies."""
    prediction = compiled_prediction(network, clean, rest)
    check_decides_once("An attack with targets", prediction)
    others = likeliest_others(ops.convert_to_numpy(prediction.logits), labels)
    return [(others[:, rank], -1.0) for rank in range(min(num_targets, others.shape[1]))]


def _most_wrong(network: Any, runs: list[Tensor], rest: Any, labels: np.ndarray) -> Tensor:
    """For each example the one of several perturbed tensors with the largest margin, or the largest loss."""
    if len(runs) == 1:
        return runs[0]
    values, labels = [], ops.convert_to_tensor(labels)
    for x in runs:
        logits, distribution, _ = prediction = compiled_prediction(network, x, rest)
        value = margin if prediction.decides_once else functools.partial(cross_entropy, distribution=distribution)
        values.append(value(logits, labels))
    best = ops.one_hot(ops.argmax(ops.stack(values), axis=0), len(runs), axis=0, dtype=runs[0].dtype)
    return sum(per_example.expand(chosen, x) * x for chosen, x in zip(best, runs, strict=True))
