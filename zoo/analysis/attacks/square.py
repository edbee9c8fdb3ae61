"""The attack that needs no gradients: random squares (Square)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.analysis.attacks.objectives import margin
from zoo.analysis.attacks.squares import Windows, first_perturbation, move_energy, recolor
from zoo.analysis.attacks.task import State, Task, loop
from zoo.analysis.prediction_pass import predict_logits
from zoo.backend.random_numbers import Seed, as_generator, as_integer
from zoo.regularizers.math import per_example
from zoo.regularizers.math.balls import project_inputs
from zoo.regularizers.math.input_range import clip_to_range
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend, or a NumPy array

HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10 000 queries
CHUNK = 100


def window_sizes(num_queries: int, lattice: tuple[int, int], share: float) -> np.ndarray:
    """The side of the square at each query. It covers a share p of the image, which is halved at times.

    Args:
        num_queries: N, at least 1.
        lattice: height and width of the image.
        share: p at the first query, above 0, at most 1.

    Returns:
        `(N,)`, at least 1.

    Example:
        >>> from zoo.analysis.attacks.square import window_sizes
        >>> window_sizes(10000, (28, 28), 0.8)[[0, 10, 9999]]
        array([25, 18,  1], dtype=int32)
    """
    queries = np.arange(num_queries) * 10_000 / num_queries
    area = share * 0.5 ** np.searchsorted(HALVINGS, queries, side="right") * math.prod(lattice)
    sides = np.sqrt(area) if min(lattice) > 1 else area
    longest = min(lattice) if min(lattice) > 1 else max(lattice)
    return np.clip(np.round(sides), 1, max(longest - 1, 1)).astype("int32")


def as_images(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels under which the attack sees inputs `(n, *shape)`; other inputs than images are a line.

    Example:
        >>> from zoo.analysis.attacks.square import as_images
        >>> as_images((28, 28, 1)), as_images((100,))
        ((28, 28, 1), (100, 1, 1))
    """
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (math.prod(shape), 1, 1)


def make_steps(task: Task) -> Callable[[Any], Callable[..., State]]:
    """The queries of the attack, as a function of the network."""
    norm, input_range = task.norm, task.input_range
    height, width, channels = as_images(task.clean.shape[1:])

    def of_network(network):
        def body(k, constants, state, draws, epsilon, sides, start):
            clean, labels = constants["clean"], constants["labels"]
            images, x = (ops.reshape(each, (-1, height, width, channels)) for each in (clean, state["x"]))
            windows = Windows(ops.take(draws, k - start, axis=1), ops.take(sides, k), height, width, channels)
            change = recolor if norm == "linf" else move_energy
            changed = ops.reshape(change(images, x, windows, epsilon), ops.shape(clean))
            moved = project_inputs(changed, clean, epsilon, norm, input_range)
            value = ops.cast(margin(predict_logits(network, moved), labels), clean.dtype)
            better = value > state["best"]
            best = ops.where(better, value, state["best"])
            return {
                "x": ops.where(per_example.expand(better, clean), moved, state["x"]),
                "best": best,
                "active": best <= 0,
            }

        return loop(body)

    return of_network


def run_square(task: Task, seed: Seed, *, num_queries: int, share: float) -> None:
    """Attacks the examples of a task. For the arguments see `square`."""
    rows = task.rows(early_stop=True)
    if not len(rows):
        return
    rng = np.random.default_rng(as_integer(as_generator(seed)))  # from a generator: 3 and SeedGenerator(3) agree
    program = task.program(("square", task.clean.shape[1:]), make_steps(task))
    clean = task.clean[rows]
    *lattice, channels = as_images(clean.shape[1:])
    images = clean.reshape(len(rows), *lattice, channels)
    start = first_perturbation(rng, images.shape, task.epsilon, task.norm).reshape(clean.shape)
    start = clip_to_range(ops.convert_to_tensor((clean + start).astype(clean.dtype)), task.input_range)
    start = ops.convert_to_numpy(start).copy()
    logits = task.predict(start)
    best = ops.convert_to_numpy(margin(logits, task.labels[rows])).astype(clean.dtype)
    state = {"x": start, "best": best.copy(), "active": best <= 0}
    constants = {"clean": clean, "labels": task.labels[rows]}
    sides = ops.convert_to_tensor(window_sizes(num_queries, (lattice[0], lattice[1]), share))
    epsilon = ops.convert_to_tensor(task.epsilon, str(clean.dtype))
    for first in range(0, num_queries, CHUNK):
        if not state["active"].any():
            break
        last, active = min(first + CHUNK, num_queries), state["active"]
        draws = np.zeros((len(rows), CHUNK, Windows.num_draws(channels)), "float32")
        draws[active] = rng.random((int(active.sum()), *draws.shape[1:]), "float32")
        extras = (epsilon, sides, ops.convert_to_tensor(first, "int32"))
        task.run(program, constants, state, first, last, *extras, each=[draws])
    task.best[:] = -np.inf
    task.record(rows, state["x"], state["best"] > 0, state["best"])


def square(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: tuple[float, float] | None = None,
    *,
    norm: str,
    num_queries: int = 5000,
    share: float = 0.8,
    batch_size: int = 500,
) -> np.ndarray:
    """Square attack: a random search over square windows, which keeps what raises `max_{i≠y} z_i − z_y`.

    It needs no gradients, so it also measures networks that hide theirs. In L∞ a query sets a window to `x ± ε`, with
    one sign for each channel. In L2 it moves the perturbation of one window into another.

    Args:
        network: any function from inputs to logits.
        inputs: `(n, height, width, channels)`. Inputs of other shapes are treated as a line.
        labels: class indices, `(n,)`, or one-hot rows.
        epsilon: ε, radius of the ball in the norm, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None.
        input_range: `(low, high)` of valid inputs, or None.
        norm: `"linf"` or `"l2"`.
        num_queries: number of queries after the first perturbation, at least 1.
        share: share of the image in the first windows, above 0, at most 1.
        batch_size: number of inputs at a time.

    Returns:
        Perturbed inputs, `(n, ...)`: misclassified if the attack has found that, else with the least margin.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, or `norm` is unknown.

    Source: Andriushchenko, Croce, Flammarion, Hein, 2020, "Square attack: a query-efficient black-box adversarial
    attack via random search", https://arxiv.org/abs/1912.00049, algorithms 1 to 3.

    Example:
        >>> network = lambda x: keras.ops.round(keras.ops.matmul(x, np.array([[1.0, -1.0], [0.0, 0.0]])) * 8)
        >>> x = np.array([[0.2, 0.0]])
        >>> moved = zoo.analysis.square(network, x, [0], 0.5, seed=0, norm="linf", num_queries=50)
        >>> bool(moved[0, 0] < 0)
        True
    """
    check_number("num_queries", num_queries, 1, integer=True)
    check_number("share", share, maximum=1, above=0)
    task = Task(network, inputs, labels, epsilon, norm, input_range, batch_size)
    run_square(task, seed, num_queries=num_queries, share=share)
    return task.perturbed
