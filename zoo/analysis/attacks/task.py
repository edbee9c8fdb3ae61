"""The examples of an iterated attack: which of them still resist, and what has been found for the others."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks.inputs import as_floating
from zoo.analysis.attacks.objectives import likeliest_others
from zoo.analysis.prediction_pass import predict_logits
from zoo.backend.programs import Program, program_for
from zoo.regularizers.math import per_example
from zoo.regularizers.math.balls import STEEPEST
from zoo.regularizers.math.divergences import check_classes
from zoo.validation import check_choice, check_number, class_indices

Tensor = Any  # a tensor of the backend, or a NumPy array
State = dict[str, Any]  # arrays `(n, ...)` by their names


def loop(body: Callable[..., State]) -> Callable[..., State]:
    """Repeats a step of an attack for the examples that are active.

    Args:
        body: `(k, constants, state, *extras) -> changed entries of the state`.

    Returns:
        `(constants, state, first, last, *extras) -> state` after the steps `first` to `last − 1`, or after fewer if no
        example is active any more.

    Example:
        >>> from zoo.analysis.attacks.task import loop
        >>> run = loop(lambda k, constants, state: {"x": state["x"] + 1})
        >>> state = {"active": np.array([True, False]), "x": np.zeros(2)}
        >>> np.asarray(run({}, state, 0, 3)["x"])
        array([3., 0.])
    """

    def run(constants, state, first, last, *extras):
        def step(k, state):
            changed = body(k, constants, state, *extras)
            kept = {
                name: ops.where(per_example.expand(state["active"], value), value, state[name])
                for name, value in changed.items()
            }
            return k + 1, {**state, **kept}

        return ops.while_loop(lambda k, state: (k < last) & ops.any(state["active"]), step, (first, state))[1]

    return run


class Task:
    """A batch of any size under attack.

    Args:
        network: Keras network from inputs to logits, or any function of one tensor.
        inputs: `(n, ...)`.
        labels: class indices, `(n,)`, or one-hot rows.
        epsilon: ε, radius of the ball, at least 0.
        norm: `"linf"` or `"l2"`.
        input_range: `(low, high)` of valid inputs, or None.
        batch_size: number of inputs at a time.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, the labels do not fit, or there are fewer than 2 classes.

    Attributes:
        clean: inputs, `(n, ...)`.
        labels: class indices, `(n,)`.
        logits: of the inputs, `(n, k)`.
        fooled: which inputs are misclassified, at first without any perturbation, `(n,)`.
        perturbed: the best that has been found, `(n, ...)`.
        progress: called with the number of steps done.

    Example:
        >>> from zoo.analysis.attacks.task import Task
        >>> task = Task(lambda x: x * 1.0, np.array([[2.0, 1.0], [1.0, 2.0]]), [0, 0], 0.1, "l2", None, 500)
        >>> task.fooled
        array([False,  True])
    """

    def __init__(self, network, inputs, labels, epsilon, norm, input_range, batch_size):
        self.network = network
        self.norm = check_choice("norm", norm, STEEPEST)
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.batch_size = min(check_number("batch_size", batch_size, 1, integer=True), max(len(inputs), 1))
        clean, self.input_range = as_floating(inputs, input_range)
        self.clean = ops.convert_to_numpy(clean)
        self.labels = class_indices(labels).astype("int32")
        if len(self.labels) != len(self.clean) or not len(self.clean):
            raise ValueError(
                f"An attack needs inputs and one label for each, received {len(self.clean)} inputs and "
                f"{len(self.labels)} labels."
            )
        self.perturbed, self.best = self.clean.copy(), np.full(len(self.clean), -np.inf, self.clean.dtype)
        self.progress: Callable[[int], None] = lambda steps: None
        self.logits = self.predict(self.clean)
        check_classes("An attack needs", self.logits)
        self.fooled = self.logits.argmax(axis=-1) != self.labels

    @property
    def num_classes(self) -> int:
        """Number of logits."""
        return self.logits.shape[-1]

    @functools.cached_property
    def others(self) -> np.ndarray:
        """The classes other than the labels by the clean logits, the likeliest first, `(n, k − 1)`."""
        return likeliest_others(self.logits, self.labels)

    def rows(self, early_stop: bool) -> np.ndarray:
        """The indices of the examples to attack: those that resist, or all; none if ε is 0."""
        return np.flatnonzero(~self.fooled | (not early_stop)) if self.epsilon else np.arange(0)

    def target(self, rank: int) -> np.ndarray:
        """For each example the class, other than its label, of a rank by the clean logits: 1 for the likeliest."""
        return self.others[:, rank - 1]

    def ranks(self, num_targets: int) -> range:
        """The ranks of the targets that exist: 1 to `num_targets`, or 0 for an attack without targets."""
        return range(1, 1 + min(num_targets, self.num_classes - 1)) if num_targets else range(1)

    def program(self, key: Any, make: Callable[[Any], Callable[..., Any]]) -> Program:
        """The compiled program of an attack, see `program_for`."""
        return program_for(self.network, (key, self.norm, self.input_range), make)

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The logits of inputs, `(m, k)`."""
        program = program_for(self.network, "logits", lambda network: functools.partial(predict_logits, network))
        parts = [program(ops.convert_to_tensor(inputs[rows]))[:size] for rows, size in self.batches(len(inputs))]
        return np.concatenate([ops.convert_to_numpy(part) for part in parts])

    def batches(self, number: int) -> list[tuple[np.ndarray, int]]:
        """Rows of batches of few sizes, so that few programs are compiled: `(rows with repetitions, rows without)`."""
        found = []
        for start in range(0, number, self.batch_size):
            rows = np.arange(start, min(start + self.batch_size, number))
            size = self.batch_size
            while size // 4 >= max(len(rows), 8):
                size //= 4
            found.append((np.resize(rows, size), len(rows)))
        return found

    def run(
        self, program: Program, constants: State, state: State, first: int, last: int, *extras: Any, each: Any = ()
    ) -> None:
        """Runs steps of a compiled `loop` on the active examples, and updates the state in place.

        Args:
            program: compiled loop.
            constants: arrays `(n, ...)` that stay.
            state: arrays `(n, ...)`, among them `active`.
            first: first step.
            last: step before which to stop.
            *extras: further tensors for the body.
            each: further arrays `(n, ...)`, with entries for each example; they come first.
        """
        active = np.flatnonzero(state["active"])
        bounds = [ops.convert_to_tensor(bound, "int32") for bound in (first, last)]
        for rows, size in self.batches(len(active)):
            rows = active[rows]
            parts = [{name: value[rows] for name, value in arrays.items()} for arrays in (constants, state)]
            parts, own = keras.tree.map_structure(ops.convert_to_tensor, (parts, [array[rows] for array in each]))
            for name, value in program(*parts, *bounds, *own, *extras).items():
                state[name][rows[:size]] = ops.convert_to_numpy(value)[:size]
        self.progress(last - first)

    def run_all(self, program: Program, constants: State, state: State, num_steps: int, *extras: Any) -> None:
        """Runs all steps. Between a few of them, examples that are no longer active make room for others."""
        first = 0
        while first < num_steps:
            last = min(num_steps, 2 * first + 3)
            self.run(program, constants, state, first, last, *extras)
            first = last

    def record(self, rows: np.ndarray, perturbed: np.ndarray, fooled: np.ndarray, value: np.ndarray) -> None:
        """Keeps what fools the network, or else has the largest value so far.

        Args:
            rows: indices of the examples, `(m,)`.
            perturbed: `(m, ...)`.
            fooled: whether it is misclassified, `(m,)`.
            value: of the attack's objective, `(m,)`.
        """
        better = np.where(fooled == self.fooled[rows], value > self.best[rows], fooled)
        rows = rows[better]
        self.perturbed[rows], self.best[rows], self.fooled[rows] = perturbed[better], value[better], fooled[better]
