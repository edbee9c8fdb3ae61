"""The examples of an iterated attack: which of them still resist, and what has been found for the others."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks.inputs import AttackedInputs
from zoo.analysis.attacks.objectives import likeliest_others
from zoo.analysis.attacks.programs import State, compiled_prediction
from zoo.analysis.classifier import as_classifier
from zoo.analysis.labels import as_labels
from zoo.analysis.logits import Prediction
from zoo.backend.programs import Program, program_for
from zoo.datasets.arrays import as_inputs, num_rows, take_rows
from zoo.regularizers.math.balls import STEEPEST
from zoo.regularizers.math.decisions import share_misclassified
from zoo.regularizers.math.divergences import check_classes
from zoo.validation import check_choice, check_number


class Task:
    """A batch of any size under attack.

    Args:
        network: `Classifier`, Keras network or any function.
        inputs: as the network takes them.
        labels: as for `misclassified`.
        epsilon: ε, radius of the ball, at least 0.
        norm: `"linf"` or `"l2"`.
        input_range: as for `AttackedInputs`.
        batch_size: number of inputs at a time.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, the labels do not fit, or there are fewer than 2 classes.

    Attributes:
        inputs: the `AttackedInputs`.
        clean: the tensor that moves, `(n, ...)`.
        labels: as `as_labels` returns them.
        prediction: for the inputs.
        errors: share of wrong decisions of each example, at first without any perturbation, `(n,)`.
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
        inputs, labels = as_inputs(inputs), as_classifier(network).labels_at_output(labels)
        number = num_rows(inputs)
        self.batch_size = min(check_number("batch_size", batch_size, 1, integer=True), max(number, 1))
        if np.shape(labels)[:1] != (number,) or not number:
            raise ValueError(
                f"An attack needs inputs and one label for each, received {number} inputs and "
                f"{np.shape(labels)[0] if np.ndim(labels) else 0} labels."
            )
        self.inputs = AttackedInputs(network, inputs, input_range, self.batch_size)
        self.input_range = self.inputs.input_range
        arrays = keras.tree.map_structure(ops.convert_to_numpy, (self.inputs.clean, self.inputs.rest))
        self.clean, self.rest = arrays  # NumPy takes rows in any order
        self.perturbed, self.best = self.clean.copy(), np.full(number, -np.inf, self.clean.dtype)
        self.progress: Callable[[int], None] = lambda steps: None
        self.prediction = self.predict(self.clean, np.arange(number))
        if self.prediction.distribution == "categorical":
            check_classes("An attack needs", self.prediction.logits)
        labels = as_labels(labels, self.prediction)
        self.labels = labels.astype("int32" if labels.dtype.kind in "iub" else self.clean.dtype)
        self.errors = self.errors_of(self.prediction.logits, np.arange(number))

    @property
    def num_classes(self) -> int:
        """Number of logits."""
        return self.prediction.logits.shape[-1]

    @property
    def fooled(self) -> np.ndarray:
        """Which examples cannot have more errors: the misclassified ones, or those with wrong decisions only."""
        return self.errors >= 1

    @functools.cached_property
    def others(self) -> np.ndarray:
        """The classes other than the labels by the clean logits, the likeliest first, `(n, k − 1)`."""
        return likeliest_others(self.prediction.logits, self.labels)

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

    def predict(self, tensor: np.ndarray, rows: np.ndarray) -> Prediction:
        """The prediction with a tensor in place of that of some examples.

        Args:
            tensor: `(m, ...)`.
            rows: indices of the examples, `(m,)`.
        """
        logits, masks = [], []
        for part, size in self.batches(len(rows)):
            rest = take_rows(self.rest, rows[part])
            given = keras.tree.map_structure(ops.convert_to_tensor, (tensor[part], rest))
            prediction = compiled_prediction(self.network, *given)
            logits.append(ops.convert_to_numpy(prediction.logits)[:size])
            if prediction.mask is not None:
                masks.append(ops.convert_to_numpy(prediction.mask)[:size])
        return prediction._replace(logits=np.concatenate(logits), mask=np.concatenate(masks) if masks else None)

    def errors_of(self, logits: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The share of wrong decisions of some examples, `(m,)`.

        Args:
            logits: `(m, ..., k)`.
            rows: indices of the examples, `(m,)`.
        """
        shares = share_misclassified(logits, self.labels[rows], self.prediction.distribution)
        return ops.convert_to_numpy(shares)

    def constants(self, rows: np.ndarray, **more: np.ndarray) -> State:
        """The constants of a `loop` for some examples.

        Args:
            rows: indices of the examples, `(m,)`.
            **more: further arrays `(n, ...)`.
        """
        every = {"clean": self.clean, "labels": self.labels, "rest": self.rest, **more}
        return {name: take_rows(value, rows) for name, value in every.items()}

    def result(self) -> Any:
        """The inputs with what has been found in place, as `AttackedInputs.restored`; one input as a NumPy array."""
        restored = self.inputs.restored(self.perturbed)
        return restored if keras.tree.is_nested(restored) else ops.convert_to_numpy(restored)

    def batches(self, number: int) -> list[tuple[np.ndarray, int]]:
        """Rows of batches of few sizes, so that few programs are compiled: `(rows with repetitions, rows without)`."""
        found = []
        for start in range(0, number, self.batch_size):
            rows = np.arange(start, min(start + self.batch_size, number))
            size = self.batch_size
            while size // 2 >= max(len(rows), 8):
                size //= 2
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
            parts = [{name: take_rows(value, rows) for name, value in arrays.items()} for arrays in (constants, state)]
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

    def record(self, rows: np.ndarray, perturbed: np.ndarray, errors: np.ndarray, value: np.ndarray) -> None:
        """Keeps what has more errors, or else the largest value so far.

        Args:
            rows: indices of the examples, `(m,)`.
            perturbed: `(m, ...)`.
            errors: share of wrong decisions, `(m,)`.
            value: of the attack's objective, `(m,)`.
        """
        better = np.where(errors == self.errors[rows], value > self.best[rows], errors > self.errors[rows])
        rows = rows[better]
        self.perturbed[rows], self.best[rows], self.errors[rows] = perturbed[better], value[better], errors[better]
