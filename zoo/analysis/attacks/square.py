"""The attack that needs no gradients: random squares (Square)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.analysis.attacks.inputs import bounds_of
from zoo.analysis.attacks.layout import Layout, layout_of
from zoo.analysis.attacks.objectives import cross_entropy, margin
from zoo.analysis.attacks.programs import State, loop
from zoo.analysis.attacks.progress import progress_bar
from zoo.analysis.attacks.squares import Windows, first_perturbation, move_energy, recolor
from zoo.analysis.attacks.task import Task
from zoo.analysis.logits import Prediction
from zoo.backend.random_numbers import Seed, as_generator, as_integer
from zoo.regularizers.math import per_example
from zoo.regularizers.math.balls import project_inputs
from zoo.regularizers.math.decisions import share_misclassified
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


def gain(prediction: Prediction, labels: Tensor) -> tuple[Tensor, Tensor]:
    """What the attack raises, and whether nothing more can be gained.

    Args:
        prediction: of the network.
        labels: as `as_labels` returns them.

    Returns:
        Values, `(n,)`: the margin of another class, or the cross-entropy if the network decides more than once; and
        booleans, `(n,)`.

    Example:
        >>> from zoo.analysis.attacks.square import gain
        >>> from zoo.analysis.logits import Prediction
        >>> value, done = gain(Prediction(np.array([[1.0, 3.0]]), "categorical"), np.array([0]))
        >>> float(value[0]), bool(done[0])
        (2.0, True)
    """
    if prediction.decides_once:
        value = margin(prediction.logits, labels)
        return value, value > 0
    shares = share_misclassified(prediction.logits, labels, prediction.distribution)
    return cross_entropy(prediction.logits, labels, prediction.distribution), shares >= 1


def make_steps(task: Task, layout: Layout) -> Callable[[Any], Callable[..., State]]:
    """The queries of the attack, as a function of the network."""
    norm, input_range = task.norm, task.input_range

    def of_network(network):
        def body(k, at, constants, state, draws, epsilon, sides, start):
            clean, labels = constants["clean"], constants["labels"]
            windows = Windows(ops.take(draws, k - start, axis=1), ops.take(sides, k), *layout.size)
            change = recolor if norm == "linf" else move_energy
            changed = layout.tensor(change(layout.images(clean), layout.images(state["x"]), windows, epsilon))
            if at.moved is not None:
                changed = clean + (changed - clean) * ops.cast(at.moved, clean.dtype)
            moved = project_inputs(changed, clean, epsilon, norm, bounds_of(at, input_range))
            value, done = gain(at.predict(moved), labels)
            value = ops.cast(value, clean.dtype)
            better = value > state["best"]
            return {
                "x": ops.where(per_example.expand(better, clean), moved, state["x"]),
                "best": ops.where(better, value, state["best"]),
                "active": ops.logical_not(better & done),
            }

        return loop(network, body)

    return of_network


def run_square(task: Task, seed: Seed, *, num_queries: int, share: float, data_format: str | None) -> None:
    """Attacks the examples of a task. For the arguments see `square`."""
    rows, layout = task.rows(early_stop=True), layout_of(task.clean.shape[1:], data_format)
    if not len(rows):
        return
    rng = np.random.default_rng(as_integer(as_generator(seed)))  # from a generator: 3 and SeedGenerator(3) agree
    program = task.program(("square", layout), make_steps(task, layout))
    start, dtype = _first_inputs(task, rows, layout, rng), task.clean.dtype
    best, done = map(ops.convert_to_numpy, gain(task.predict(start, rows), task.labels[rows]))
    state = {"x": start, "best": best.astype(dtype), "active": ~done}
    constants = task.constants(rows)
    sides = ops.convert_to_tensor(window_sizes(num_queries, layout.size[:2], share))
    epsilon = ops.convert_to_tensor(task.epsilon, str(dtype))
    for first in range(0, num_queries, CHUNK):
        if not state["active"].any():
            break
        last, active = min(first + CHUNK, num_queries), state["active"]
        draws = np.zeros((len(rows), CHUNK, Windows.num_draws(layout.size[2])), "float32")
        draws[active] = rng.random((int(active.sum()), *draws.shape[1:]), "float32")
        extras = (epsilon, sides, ops.convert_to_tensor(first, "int32"))
        task.run(program, constants, state, first, last, *extras, each=[draws])
    task.best[:] = -np.inf
    errors = state["best"] > 0
    if not task.prediction.decides_once:
        errors = task.errors_of(task.predict(state["x"], rows).logits, rows)
    task.record(rows, state["x"], errors, state["best"])


def _first_inputs(task, rows, layout, rng):
    """The inputs with their first perturbation, `(len(rows), ...)`."""
    noise = first_perturbation(rng, (len(rows), *layout.size), task.epsilon, task.norm).astype(task.clean.dtype)
    noise = ops.convert_to_numpy(layout.tensor(noise))
    if task.inputs.moved is not None:
        noise = noise * ops.convert_to_numpy(task.inputs.moved)[rows]
        if task.norm == "l2":  # the mask has shortened the noise
            noise = task.epsilon * ops.convert_to_numpy(per_example.normalize(ops.convert_to_tensor(noise)))
    perturbed = ops.convert_to_tensor(task.clean[rows] + noise)
    return ops.convert_to_numpy(clip_to_range(perturbed, task.inputs.bounds)).copy()


def square(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
    *,
    norm: str,
    num_queries: int = 5000,
    share: float = 0.8,
    data_format: str | None = None,
    batch_size: int = 500,
    verbose: int = 0,
) -> Any:
    """Square attack: a random search over square windows, which keeps what raises `max_{i≠y} z_i − z_y`.

    If the outputs are multi-label or dense it keeps what raises the cross-entropy, until all decisions are wrong.

    It needs no gradients, so it also measures networks that hide theirs. In L∞ a query sets a window to `x ± ε`, with
    one sign for each channel. In L2 it moves the perturbation of one window into another.

    Args:
        network: any function from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, height, width, channels)`, or several in a dictionary, list or tuple.
            What moves is treated as a line, if it does not have the shape of images.
        labels: as for `misclassified`.
        epsilon: ε, radius of the ball in the norm, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None.
        input_range: `(low, high)` of valid inputs, `{name: (low, high)}` of several, or None: 0 to 255 for inputs in
            uint8, else no bounds.
        norm: `"linf"` or `"l2"`.
        num_queries: number of queries after the first perturbation, at least 1.
        share: share of the image in the first windows, above 0, at most 1.
        data_format: place of the channels of images: `"channels_last"` or `"channels_first"`. None takes Keras's
            `image_data_format()`, and refuses images that do not look like it.
        batch_size: number of inputs at a time.
        verbose: 1 shows a progress bar, 0 does not.

    Returns:
        Perturbed inputs, in the structure of `inputs` (see `zoo.analysis.attacks`): misclassified if the attack has
        found that, else with the largest margin of another class.

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
    with progress_bar(task, num_queries, verbose):
        run_square(task, seed, num_queries=num_queries, share=share, data_format=data_format)
    return task.result()
