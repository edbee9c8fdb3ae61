"""Checkpoints from which a stopped run continues as if it had not stopped."""

import json
import os
import pathlib
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from zoo.backend.processes import is_writer
from zoo.files import atomic, remove
from zoo.training.callbacks.timer import Timer
from zoo.training.execution_plan import STEPS_AT_A_TIME

STATE_FILE = "state.json"
ARRAYS_FILE = "arrays.npz"  # not HDF5, whose library crashes if a full disk keeps it from closing its file
GROUPS = ("variables", "optimizer", "metrics", "best")
START = {"epochs": 0, "steps": 0, "stopped": False, "finished": False, "history": {}, "seconds": 0.0}
STOPPING_STATE = ("wait", "best", "best_epoch", "stopped_epoch")


class Checkpoint(keras.callbacks.Callback):
    """Saves the state of training after every epoch, and after a step on request; restores the newest state.

    Each checkpoint is a folder `epoch-NNNNN` (`-final` after training, `-step-NNNNNNN` within the next epoch). It
    appears only when it is complete, and only then is its predecessor removed. Keras's `BackupAndRestore` overwrites
    its files in place. If it is killed while it writes, the checkpoint is broken, or has the weights of one epoch with
    the number of another.

    Put the callback last in the list of callbacks, and its `timer` first. Call `restore` before `fit`.

    Args:
        directory: folder for the checkpoints. It is created if it is missing.
        early_stopping: the `keras.callbacks.EarlyStopping` of the training, whose state is saved too, or None.

    Attributes:
        state: state of the newest checkpoint: `{"epochs": completed epochs, "steps": completed steps of the current
            epoch, "stopped": whether a callback ended training early, "finished": whether training ended, "history":
            {name: [value per epoch]}, "seconds": seconds of training in all runs}`.
        timer: the `Timer` of these seconds.

    Raises:
        ValueError: the newest checkpoint is damaged.

    Example:
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), num_classes=3, hidden_units=()))
        >>> model.build((None, 4))
        >>> model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        >>> checkpoint = zoo.training.callbacks.Checkpoint("run")
        >>> checkpoint.restore(model)
        >>> callbacks = [checkpoint.timer, checkpoint]
        >>> _ = model.fit(np.zeros((8, 4)), np.zeros(8, "int32"), epochs=2, callbacks=callbacks, verbose=0)
        >>> zoo.training.callbacks.Checkpoint("run").state["epochs"]
        2
    """

    def __init__(self, directory: str | os.PathLike, early_stopping: keras.callbacks.EarlyStopping | None = None):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.early_stopping: Any = early_stopping
        self.arrays: dict[str, list[np.ndarray]] = {group: [] for group in GROUPS}
        newest = self.newest()
        self.restored = self._read_state(newest) if newest is not None else {}
        self.state: dict[str, Any] = {
            key: self.restored.get(key, each) for key, each in {**START, "history": {}}.items()
        }
        self.timer = Timer()
        self.timer.seconds = self.state["seconds"]

    def newest(self) -> pathlib.Path | None:
        """The folder of the newest complete checkpoint, or None."""
        complete = sorted(self.directory.glob("epoch-*"))
        return complete[-1] if complete else None

    @staticmethod
    def _read_state(folder: pathlib.Path) -> dict[str, Any]:
        try:
            return json.loads((folder / STATE_FILE).read_text())
        except (OSError, ValueError) as error:
            raise ValueError(
                f"The checkpoint {folder} is damaged ({error}). Remove that folder to start again, or choose another "
                "workdir."
            ) from error

    @property
    def needs_every_step(self) -> bool:
        """Whether steps have to run one at a time, because the completed steps are not a multiple of several."""
        return self.state["steps"] % STEPS_AT_A_TIME != 0

    def restore(self, model: Any, batch: Sequence[Any] | None = None) -> None:
        """Loads the newest checkpoint into a compiled model. Without a checkpoint the model does not change.

        Args:
            model: `zoo.training.ObjectiveModel`.
            batch: `(x, y)`. A checkpoint within an epoch needs it, because only a batch builds the metrics.

        Raises:
            ValueError: the checkpoint is damaged or belongs to another model.
        """
        newest = self.newest()
        if newest is None:
            return
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        if self.state["steps"]:
            model.test_on_batch(*(batch or ()))
        try:
            self._assign(model, newest)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"The checkpoint {newest} does not fit this model or is damaged ({error}). Remove it to start again, "
                "or choose another workdir."
            ) from error

    def _assign(self, model: Any, folder: pathlib.Path) -> None:
        with np.load(folder / ARRAYS_FILE) as arrays:
            self.arrays = {group: [] for group in GROUPS}
            for name, array in arrays.items():
                self.arrays[name.split(":")[0]].append(array)
        assign(model.variables, self.arrays["variables"])
        assign(model.optimizer.variables, self.arrays["optimizer"])

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores early stopping, and skips the steps that an earlier run has taken."""
        for name, value in (self.restored.get("early_stopping") or {}).items():
            setattr(self.early_stopping, name, value)  # EarlyStopping has just reset them
        if self.arrays["best"]:
            self.early_stopping.best_weights = self.arrays["best"]
        if self.state["steps"]:
            _skip_steps(self.model, self.state["steps"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Restores the metrics of an epoch that an earlier run has begun."""
        if self.state["steps"] and epoch == self.state["epochs"]:
            assign(self.model.metrics_variables, self.arrays["metrics"])

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves a checkpoint."""
        history = self.state["history"]
        for name, value in (logs or {}).items():
            history.setdefault(name, []).append(float(value))
        self.state.update(epochs=epoch + 1, steps=0, stopped=bool(self.model.stop_training))
        self._save()

    def save_within_epoch(self, steps: int) -> None:
        """Saves a checkpoint within an epoch. The next `fit` continues after its steps.

        Args:
            steps: number of completed steps of the current epoch.
        """
        if steps > self.state["steps"]:  # otherwise `fit` is still skipping steps
            self.state["steps"] = steps
            self._save()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Saves the final checkpoint, because early stopping may have restored the best weights."""
        self.state["finished"] = True
        self._save()

    def _save(self) -> None:
        self.state["seconds"] = self.timer.read()
        arrays = self._collect()  # all processes take part, because collecting may compute
        if not is_writer():
            return
        try:
            self._write(self.directory / self._name(), arrays)
        except OSError as error:
            raise OSError(
                f"The checkpoint {self._name()} cannot be written to {self.directory} "
                f"({os.strerror(error.errno) if error.errno else error}). The previous one is kept. Run the same "
                "command again to continue from there."
            ) from error
        for other in self.directory.iterdir():  # earlier checkpoints, and remains of killed processes
            if other.name.lstrip(".").startswith("epoch-") and other.name != self._name():
                remove(other)

    def _collect(self) -> dict[str, np.ndarray]:
        """All arrays of a checkpoint by their names."""
        groups = {
            "variables": self.model.variables,  # including the state of random generators
            "optimizer": self.model.optimizer.variables,
            "metrics": self.model.metrics_variables if self.state["steps"] else [],
            "best": getattr(self.early_stopping, "best_weights", None) or [],
        }
        values = {f"{group}:{i}": value for group in GROUPS for i, value in enumerate(groups[group])}
        return {name: keras.ops.convert_to_numpy(value) for name, value in values.items()}

    def _write(self, folder: pathlib.Path, arrays: dict[str, np.ndarray]) -> None:
        stopping = self.early_stopping
        self.directory.mkdir(parents=True, exist_ok=True)
        with atomic(folder) as temporary:
            temporary.mkdir()
            named: dict[str, Any] = arrays
            np.savez(temporary / ARRAYS_FILE, **named)
            state = {name: getattr(stopping, name) for name in STOPPING_STATE} if stopping is not None else None
            (temporary / STATE_FILE).write_text(json.dumps({**self.state, "early_stopping": state}))

    def _name(self) -> str:
        """The name of the checkpoint's folder. A later name sorts after an earlier one."""
        steps = f"-step-{self.state['steps']:07d}" if self.state["steps"] else ""
        return f"epoch-{self.state['epochs']:05d}{'-final' if self.state['finished'] else steps}"


def assign(variables: Iterable[keras.Variable], values: Iterable[np.ndarray]) -> None:
    """Assigns values to variables.

    Args:
        variables: the variables.
        values: as many arrays.

    Raises:
        ValueError: there are more or fewer values than variables, or a shape does not fit.

    Example:
        >>> from zoo.training.callbacks.checkpoint import assign
        >>> variable = keras.Variable([0.0, 0.0])
        >>> assign([variable], [np.array([1.0, 2.0])])
        >>> np.asarray(variable)
        array([1., 2.], dtype=float32)
    """
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _skip_steps(model: Any, steps: int) -> None:
    """Makes `fit`, which has just begun, read the batches of the first steps without training on them."""
    if steps % model.steps_per_execution:
        raise ValueError(
            f"The checkpoint was saved after {steps} steps of an epoch, but {model.steps_per_execution} steps run at a "
            "time. Compile with steps_per_execution=1 to continue."
        )
    function, left = model.train_function, steps

    def skip(*arguments):
        nonlocal left
        *state, iterator = arguments
        for _ in range(model.steps_per_execution):
            next(iterator)
        left -= model.steps_per_execution
        if left <= 0:
            model.train_function = function
        return ({}, *state) if state else {}

    model.train_function = skip
