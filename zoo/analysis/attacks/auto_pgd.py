"""Projected gradient ascent with momentum and a step size that adapts itself (APGD)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.analysis.attacks.checkpoints import check_lengths
from zoo.analysis.attacks.inputs import bounds_of
from zoo.analysis.attacks.objectives import ascent, check_decides_once, objective
from zoo.analysis.attacks.programs import State, loop
from zoo.analysis.attacks.progress import progress_bar
from zoo.analysis.attacks.task import Task
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.math import per_example
from zoo.regularizers.math.balls import STEEPEST, draw_from_ball, project_inputs
from zoo.regularizers.math.decisions import share_misclassified
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend, or a NumPy array

LOSSES = ("ce", "dlr")
RHO = 0.75  # share of the steps that must raise the loss
ALPHA = 0.75  # 1 minus the momentum


def remember(state: State, loss: Tensor, gradient: Tensor, fooled: Tensor) -> State:
    """The state with the loss at x, which replaces the best point if it is higher or fools the network."""
    better = (loss > state["best_loss"]) | fooled
    far = per_example.expand(better, state["x"])
    first = ops.isinf(state["loss"])
    return {
        **state,
        "checked_loss": ops.where(first, loss, state["checked_loss"]),
        "raised": state["raised"] + ops.cast(loss > state["loss"], "int32"),
        "loss": loss,
        "best": ops.where(far, state["x"], state["best"]),
        "best_loss": ops.where(better, loss, state["best_loss"]),
        "best_gradient": ops.where(far, gradient, state["best_gradient"]),
        "fooled": fooled,
    }


def check(state: State, gradient: Tensor, length: Tensor) -> tuple[State, Tensor]:
    """Halves step sizes at a checkpoint, and then continues from the best point.

    A step size is halved if fewer than ρ of the steps since the last checkpoint raised the loss, or if neither it nor
    the best loss has changed since.

    Args:
        state: of the attack.
        gradient: at x.
        length: number of steps since the last checkpoint, or 0 if this is none.

    Returns:
        The state, and the gradient where it continues.
    """
    here = length > 0
    few = ops.cast(state["raised"], "float32") < RHO * ops.cast(length, "float32")
    stuck = ~state["halved"] & (state["best_loss"] <= state["checked_loss"])
    halve = here & (few | stuck)
    far = per_example.expand(halve, state["x"])
    changed = {
        "step_size": ops.where(halve, state["step_size"] / 2, state["step_size"]),
        "halved": ops.where(here, halve, state["halved"]),
        "checked_loss": ops.where(here, state["best_loss"], state["checked_loss"]),
        "raised": ops.where(here, ops.zeros_like(state["raised"]), state["raised"]),
        "x": ops.where(far, state["best"], state["x"]),
        "loss": ops.where(halve, state["best_loss"], state["loss"]),
    }
    return {**state, **changed}, ops.where(far, state["best_gradient"], gradient)


def move(k: Tensor, x: Tensor, previous: Tensor, noise: Tensor, onto: Callable[[Tensor], Tensor]) -> Tensor:
    """`Π(x + α·(z − x) + (1 − α)·(x − x_before))` with `z = Π(x + noise)`, and α = 1 in the first step."""
    alpha = ops.cast(ops.where(k == 0, 1.0, ALPHA), x.dtype)
    return onto(x + alpha * (onto(x + noise) - x) + (1 - alpha) * (x - previous))


def make_steps(task: Task, loss: str, targeted: bool, early_stop: bool) -> Callable[[Any], Callable[..., State]]:
    """The steps of the attack, as a function of the network."""
    norm, input_range, distribution = task.norm, task.input_range, task.prediction.distribution
    values = objective(loss, task.num_classes, targeted, distribution)

    def of_network(network):
        def body(k, at, constants, state, epsilon, lengths):
            clean, labels, bounds = constants["clean"], constants["labels"], bounds_of(at, input_range)
            value, logits, gradient = ascent(
                lambda x: at.predict(x).logits,
                lambda logits: values(logits, labels, constants["targets"]),
                state["x"],
            )
            fooled = (share_misclassified(logits, labels, distribution) >= 1) & early_stop
            state = remember(state, ops.cast(value, clean.dtype), gradient, fooled)
            state, gradient = check(state, gradient, ops.take(lengths, k))
            noise = per_example.expand(state["step_size"], clean) * adversarial_noise(gradient, STEEPEST[norm])
            moved = move(
                k,
                state["x"],
                state["previous"],
                noise,
                lambda x: project_inputs(x, clean, epsilon, norm, bounds),
            )
            return {**state, "x": moved, "previous": state["x"], "active": ~fooled}

        return loop(network, body)

    return of_network


def first_state(clean: np.ndarray, start: np.ndarray, epsilon: float) -> State:
    """The state before the first step, from starting points `(n, ...)`."""
    number, dtype = len(clean), clean.dtype
    never = np.full(number, -np.inf, dtype)
    return {
        "x": start.copy(),
        "previous": start.copy(),
        "best": start.copy(),
        "best_gradient": np.zeros_like(clean),
        "loss": np.full(number, np.inf, dtype),
        "best_loss": never,
        "checked_loss": never.copy(),
        "step_size": np.full(number, 2 * epsilon, dtype),
        "raised": np.zeros(number, "int32"),
        "halved": np.zeros(number, bool),
        "fooled": np.zeros(number, bool),
        "active": np.ones(number, bool),
    }


def run_auto_pgd(
    task: Task, seed: Seed, loss: str, num_steps: int, num_restarts: int, num_targets: int, early_stop: bool
) -> None:
    """Attacks the examples of a task. For the arguments see `auto_pgd`."""
    if loss == "dlr" or num_targets:
        check_decides_once("APGD with loss='dlr' or with targets", task.prediction)
    generator = as_generator(seed)
    make = make_steps(task, loss, num_targets > 0, early_stop)
    program = task.program(("apgd", loss, num_targets > 0, early_stop), make)
    epsilon = ops.convert_to_tensor(task.epsilon, str(task.clean.dtype))
    lengths = ops.convert_to_tensor(check_lengths(num_steps))
    clean, inputs = ops.convert_to_tensor(task.clean), task.inputs
    task.best[:] = -np.inf
    for rank in [rank for _ in range(num_restarts) for rank in task.ranks(num_targets)]:
        rows = task.rows(early_stop)
        if not len(rows):
            return
        # All inputs draw, so that the shape, and with it the compiled program, stays the same.
        start = inputs.clip(clean + draw_from_ball(clean, task.epsilon, task.norm, generator, inputs.moved))
        state = first_state(task.clean[rows], ops.convert_to_numpy(start)[rows], task.epsilon)
        constants = task.constants(rows, targets=task.target(rank) if rank else task.labels)
        task.run_all(program, constants, state, num_steps + 1, epsilon, lengths)
        errors = state["fooled"] if early_stop else task.errors[rows]  # then the loss alone decides
        if early_stop and not task.prediction.decides_once:
            errors = task.errors_of(task.predict(state["best"], rows).logits, rows)
        task.record(rows, state["best"], errors, state["best_loss"])


def auto_pgd(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
    *,
    norm: str,
    loss: str = "ce",
    num_steps: int = 100,
    num_restarts: int = 1,
    num_targets: int = 0,
    early_stop: bool = True,
    batch_size: int = 500,
    verbose: int = 0,
) -> Any:
    """Auto-PGD (APGD): `x ← Π(x + α·(z − x) + (1 − α)·(x − x_before))` with `z = Π(x + η·δ)` and α = 0.75.

    δ is `sign(g)` (L∞) or `g/‖g‖` (L2) of the gradient g of the loss. The step size η starts at 2ε. At each of
    `checkpoints(num_steps)` it is halved, example by example, if the steps since the last one have not raised the loss
    often enough; the search then continues from the best point.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: as for `misclassified`.
        epsilon: ε, radius of the ball in the norm, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None, for the random start.
        input_range: `(low, high)` of valid inputs, `{name: (low, high)}` of several, or None: 0 to 255 for inputs in
            uint8, else no bounds.
        norm: `"linf"` or `"l2"`.
        loss: `"ce"` (cross-entropy) or `"dlr"` (difference of logits ratio; with fewer than 3 classes its numerator,
            and with targets, with fewer than 4).
        num_steps: number of steps, at least 1.
        num_restarts: number of random starts, at least 1.
        num_targets: 0, or number of the likeliest other classes that the attack approaches one after the other.
        early_stop: whether an example rests as soon as it is misclassified, or has wrong decisions only. Otherwise the
            attack also moves inputs that are misclassified, and returns the points of the highest loss.
        batch_size: number of inputs at a time.
        verbose: 1 shows a progress bar, 0 does not.

    Returns:
        Perturbed inputs, in the structure of `inputs` (see `zoo.analysis.attacks`): misclassified if the attack has
        found that, else of the highest loss.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, or `norm` or `loss` is unknown.

    Source: Croce, Hein, 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", https://arxiv.org/abs/2003.01690, algorithm 1.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.array([[1.0, -1.0], [0.0, 0.0]]))
        >>> x = np.array([[0.2, 0.0], [0.4, 0.0]])
        >>> zoo.analysis.auto_pgd(network, x, [0, 0], 0.3, seed=0, norm="linf", num_steps=10)[:, 0] < 0
        array([ True, False])
    """
    check_choice("loss", loss, LOSSES)
    check_number("num_steps", num_steps, 1, integer=True)
    check_number("num_restarts", num_restarts, 1, integer=True)
    check_number("num_targets", num_targets, 0, integer=True)
    task = Task(network, inputs, labels, epsilon, norm, input_range, batch_size)
    task.inputs.check_gradient()
    with progress_bar(task, num_restarts * len(task.ranks(num_targets)) * (num_steps + 1), verbose):
        run_auto_pgd(task, seed, loss, num_steps, num_restarts, num_targets, early_stop)
    return task.result()
