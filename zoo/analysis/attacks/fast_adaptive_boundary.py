"""The attack that looks for the nearest misclassified point (FAB)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.analysis.attacks.hyperplane import step_to_hyperplane
from zoo.analysis.attacks.inputs import bounds_of
from zoo.analysis.attacks.objectives import ascent, check_decides_once, difference, margin
from zoo.analysis.attacks.programs import State, loop
from zoo.analysis.attacks.progress import progress_bar
from zoo.analysis.attacks.task import Task
from zoo.analysis.perturbed_network import PerturbedNetwork
from zoo.backend.random_numbers import Seed
from zoo.regularizers.math import per_example
from zoo.regularizers.math.input_range import clip_to_range
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend, or a NumPy array

MAX_ALPHA = 0.1  # largest share of the step that starts from the clean input
ETA = 1.05  # extrapolation beyond the hyperplane
BETA = 0.9  # share of the way from the clean input to a misclassified point at which the search continues
ROUNDING = 1e-6  # of the largest logit
NUM_FINAL_STEPS = 3


def sizes(perturbation: Tensor, norm: str) -> Tensor:
    """The norm of every perturbation, `(n,)`."""
    if norm == "linf":
        return ops.max(ops.abs(per_example.flatten(perturbation)), axis=-1)
    return ops.sqrt(per_example.squared_norm(perturbation))


def boundary_step(
    x: Tensor, clean: Tensor, normal: Tensor, offset: Tensor, norm: str, input_range: tuple[Any, Any] | None
) -> Tensor:
    """One step to the linearized boundary: `(1 − α)·(x + η·δ) + α·(x_clean + η·δ_clean)`, clipped to the range.

    δ and δ_clean lead from x and from the clean input to the hyperplane. `α = min(‖δ‖/(‖δ‖ + ‖δ_clean‖), 0.1)` biases
    the search to the clean input.

    Args:
        x: `(n, ...)`.
        clean: `(n, ...)`.
        normal: gradient of the function that is 0 on the boundary, at x, `(n, ...)`.
        offset: its value at x, `(n,)`.
        norm: `"linf"` or `"l2"`.
        input_range: `(low, high)` or None.

    Returns:
        `(n, ...)`.
    """
    product = ops.sum(per_example.flatten(normal * (clean - x)), axis=-1)
    step = step_to_hyperplane(x, normal, offset, norm, input_range)
    clean_step = step_to_hyperplane(clean, normal, offset + product, norm, input_range)
    size, clean_size = sizes(step, norm), sizes(clean_step, norm)
    alpha = ops.minimum(size / ops.maximum(size + clean_size, 1e-12), MAX_ALPHA)
    alpha = per_example.expand(alpha, x)
    return clip_to_range((1 - alpha) * (x + ETA * step) + alpha * (clean + ETA * clean_step), input_range)


def make_steps(task: Task, early_stop: bool) -> Callable[[Any], Callable[..., State]]:
    """The steps of the attack, as a function of the network."""
    norm, input_range = task.norm, task.input_range

    def of_network(network):
        def body(k, at, constants, state, epsilon):
            clean, labels, targets = constants["clean"], constants["labels"], constants["targets"]
            x = state["x"]
            value, normal = boundary(at, x, labels, targets)
            moved = boundary_step(x, clean, normal, ops.cast(value, x.dtype), norm, bounds_of(at, input_range))
            fooled = margin(at.predict(moved).logits, labels) > 0
            size = sizes(moved - clean, norm)
            better = fooled & (size < state["size"])
            back = clean + BETA * (moved - clean)
            smallest = ops.where(better, size, state["size"])
            return {
                "x": ops.where(per_example.expand(fooled, x), back, moved),
                "best": ops.where(per_example.expand(better, x), moved, state["best"]),
                "size": smallest,
                "active": (smallest > epsilon) | (not early_stop),
            }

        return loop(network, body)

    return of_network


def boundary(at: PerturbedNetwork, x: Tensor, labels: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """`z_t − z_y` at x, and its gradient.

    Args:
        at: the network at the inputs.
        x: `(n, ...)`.
        labels: y, `(n,)`.
        targets: t, `(n,)`.

    Returns:
        Values `(n,)` and gradients `(n, ...)`, both divided by √2.
    """
    # `ascent` normalizes the gradient in the logits, which is (1, −1) here.
    value, _, gradient = ascent(lambda x: at.predict(x).logits, lambda logits: difference(logits, labels, targets), x)
    return value / 2**0.5, gradient


def make_final_search(network: Any) -> Callable[..., State]:
    """The search on the way back to the clean input: secants of the margin between a point that fools and it."""

    def body(k, at, constants, state):
        clean, labels = constants["clean"], constants["labels"]
        far, near = state["best"], state["near"]
        ends = [margin(at.predict(x).logits, labels) for x in (far, near)]
        share = ends[0] / ops.maximum(ends[0] - ends[1], 1e-12)
        between = far + per_example.expand(ops.cast(share, far.dtype), far) * (near - far)
        logits = at.predict(between).logits
        # Closer to the boundary, the decision would depend on the order in which a program sums.
        rounding = ROUNDING * ops.max(ops.abs(logits), axis=-1)
        fooled = per_example.expand(margin(logits, labels) > rounding, clean)
        return {"best": ops.where(fooled, between, far), "near": ops.where(fooled, near, between)}

    return loop(network, body)


def run_fast_adaptive_boundary(task: Task, *, num_steps: int, num_targets: int, early_stop: bool) -> None:
    """Attacks the examples of a task. For the arguments see `fast_adaptive_boundary`."""
    check_decides_once("FAB", task.prediction)
    program = task.program(("fab", early_stop), make_steps(task, early_stop))
    final = task.program("fab_final", make_final_search)
    epsilon = ops.convert_to_tensor(task.epsilon, str(task.clean.dtype))
    task.best[:] = -np.inf
    for rank in task.ranks(num_targets):
        right = task.prediction.logits.argmax(axis=-1) == task.labels
        rows = np.intersect1d(task.rows(early_stop), np.flatnonzero(right))
        if not len(rows):
            return
        clean = task.clean[rows]
        constants = task.constants(rows, targets=task.target(rank))
        state = {
            "x": clean.copy(),
            "best": clean.copy(),
            "size": np.full(len(rows), np.inf, clean.dtype),
            "active": np.ones(len(rows), bool),
        }
        task.run_all(program, constants, state, num_steps, epsilon)
        found = np.isfinite(state["size"])
        refined = {"best": state["best"], "near": clean.copy(), "active": found}
        if not early_stop and found.any():
            task.run_all(final, constants, refined, NUM_FINAL_STEPS)
        keep(task, rows, refined["best"], found)


def keep(task: Task, rows: np.ndarray, candidates: np.ndarray, found: np.ndarray) -> None:
    """Keeps the candidates that are within ε, the nearest of each example."""
    size = np.full(len(rows), np.inf)
    if found.any():
        size[found] = ops.convert_to_numpy(sizes(candidates[found] - task.clean[rows][found], task.norm))
    task.record(rows, candidates, found & (size <= task.epsilon), np.where(size <= task.epsilon, -size, -np.inf))


def fast_adaptive_boundary(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
    *,
    norm: str,
    num_steps: int = 100,
    num_targets: int = 9,
    early_stop: bool = True,
    batch_size: int = 500,
    verbose: int = 0,
) -> Any:
    """Fast adaptive boundary attack, targeted (FAB-T): it looks for the nearest misclassified point.

    Each step projects to the boundary between label and target, as linearized at the present point, and is biased to
    the clean input. After a misclassified point the search continues on the way back.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: as for `misclassified`.
        epsilon: ε, largest norm of a perturbation, at least 0, in units of the input.
        seed: not used.
        input_range: `(low, high)` of valid inputs, `{name: (low, high)}` of several, or None: 0 to 255 for inputs in
            uint8, else no bounds.
        norm: `"linf"` or `"l2"`.
        num_steps: number of steps for each target, at least 1.
        num_targets: number of the likeliest other classes that serve as targets, at least 1.
        early_stop: whether an example rests as soon as its perturbation is within ε. Otherwise the attack takes all
            steps and targets, and returns the smallest perturbation that it has found.
        batch_size: number of inputs at a time.
        verbose: 1 shows a progress bar, 0 does not.

    Returns:
        Perturbed inputs, in the structure of `inputs` (see `zoo.analysis.attacks`). Inputs for which no perturbation
        within ε was found are unchanged.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, `norm` is unknown, or the network does not choose one class for each
            example.

    Source: Croce, Hein, 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
    https://arxiv.org/abs/1907.02044.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.array([[1.0, -1.0], [0.0, 0.0]]))
        >>> x = np.array([[0.2, 0.0]])
        >>> moved = zoo.analysis.fast_adaptive_boundary(network, x, [0], 1.0, norm="l2", early_stop=False)
        >>> bool(abs(np.linalg.norm(moved - x) - 0.2) < 0.002)
        True
    """
    check_number("num_steps", num_steps, 1, integer=True)
    check_number("num_targets", num_targets, 1, integer=True)
    task = Task(network, inputs, labels, epsilon, norm, input_range, batch_size)
    task.inputs.check_gradient()
    with progress_bar(task, len(task.ranks(num_targets)) * num_steps, verbose):
        run_fast_adaptive_boundary(task, num_steps=num_steps, num_targets=num_targets, early_stop=early_stop)
    return task.result()
