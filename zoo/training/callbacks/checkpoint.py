"""Checkpoints from which a stopped run goes on as if it had not been stopped."""

import json
import os
import pathlib
import time
import zipfile

import keras
import numpy as np

from zoo.backend.distribution import is_writer
from zoo.files import atomic, remove
from zoo.training.execution_plan import STEPS_AT_A_TIME

STATE_FILE = "state.json"
ARRAYS_FILE = "arrays.npz"  # not HDF5, whose library crashes where a full disk keeps it from closing its file
EARLIER_FILE = "model.weights.h5"  # of earlier versions of the zoo, only read
GROUPS = ("variables", "optimizer", "metrics", "best")
START = {"epochs": 0, "steps": 0, "stopped": False, "finished": False, "history": {}, "seconds": 0.0}
STOPPING_STATE = ("wait", "best", "best_epoch", "stopped_epoch")


class Timer(keras.callbacks.Callback):
    """The seconds of training. Put it first: what the callbacks behind it do at the end of an epoch is not counted."""

    def __init__(self):
        super().__init__()
        self.seconds, self.begun = 0.0, None

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self.read()
        self.begun = None

    def read(self):
        """The seconds up to now."""
        if self.begun is not None:
            now = time.monotonic()
            self.seconds, self.begun = self.seconds + now - self.begun, now
        return self.seconds


class Checkpoint(keras.callbacks.Callback):
    """Saves all that training goes on from after every epoch, and after a step when asked; restores the newest.

    Each checkpoint is a folder `epoch-NNNNN` (`-final` when training is over, `-step-NNNNNNN` within the next epoch)
    that appears whole; only then is its predecessor removed. (Keras's `BackupAndRestore` overwrites its files in place:
    killed while it writes, it leaves a broken checkpoint or weights of one epoch with the number of another.)

    Put it last in the list of callbacks, and its `timer` first. Call `restore` before `fit`.

    Args:
        directory: where the checkpoints go.
        early_stopping: the `keras.callbacks.EarlyStopping` that watches the training, whose state is saved too, or
            None.

    Attributes:
        state: of the newest checkpoint: `{"epochs": completed, "steps": completed in the epoch under way, "stopped":
            whether a callback ended training early, "finished": whether training came to its end, "history": {name:
            [value per epoch]}, "seconds": of training, over all the runs so far}`.
        timer: the `Timer` of these seconds.
    """

    def __init__(self, directory, early_stopping=None):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.early_stopping = early_stopping
        self.arrays = {group: [] for group in GROUPS}
        newest = self.newest()
        self.restored = self._read_state(newest) if newest is not None else {}
        self.state = {key: self.restored.get(key, value) for key, value in {**START, "history": {}}.items()}
        self.timer = Timer()
        self.timer.seconds = self.state["seconds"]

    def newest(self):
        """The newest complete checkpoint's folder, or None."""
        complete = sorted(self.directory.glob("epoch-*"))
        return complete[-1] if complete else None

    @staticmethod
    def _read_state(folder):
        try:
            return json.loads((folder / STATE_FILE).read_text())
        except (OSError, ValueError) as error:
            raise ValueError(
                f"The checkpoint {folder} is damaged ({error}). Remove that folder to start anew, or choose another "
                "workdir."
            ) from error

    @property
    def needs_every_step(self):
        """Whether steps have to run one at a time, because those that are done are no multiple of several."""
        return self.state["steps"] % STEPS_AT_A_TIME != 0

    def restore(self, model, batch=None):
        """Loads the newest checkpoint into a compiled model; without one the model stays as it is.

        Args:
            model: `zoo.training.ObjectiveModel`.
            batch: `(x, y)`, needed where the checkpoint was made within an epoch: only a batch builds the metrics.

        Raises:
            ValueError: the checkpoint is damaged or belongs to another model.
        """
        newest = self.newest()
        if newest is None:
            return
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        if self.state["steps"]:
            model.test_on_batch(*batch)
        try:
            self._assign(model, newest)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"The checkpoint {newest} does not fit this model or is damaged ({error}). Remove it to start anew, "
                "or choose another workdir."
            ) from error

    def _assign(self, model, folder):
        if (folder / EARLIER_FILE).exists():
            model.load_weights(folder / EARLIER_FILE)
            weights = {id(weight) for weight in model.weights}
            assign([v for v in model.variables if id(v) not in weights], self.restored["seeds"])
            return
        with np.load(folder / ARRAYS_FILE) as arrays:
            self.arrays = {group: [] for group in GROUPS}
            for name, array in arrays.items():
                self.arrays[name.split(":")[0]].append(array)
        assign(model.variables, self.arrays["variables"])
        assign(model.optimizer.variables, self.arrays["optimizer"])

    def on_train_begin(self, logs=None):
        for name, value in (self.restored.get("early_stopping") or {}).items():
            setattr(self.early_stopping, name, value)  # it has just forgotten them
        if self.arrays["best"]:
            self.early_stopping.best_weights = self.arrays["best"]
        if self.state["steps"]:
            pass_over_steps(self.model, self.state["steps"])

    def on_epoch_begin(self, epoch, logs=None):
        if self.state["steps"] and epoch == self.state["epochs"]:
            assign(self.model.metrics_variables, self.arrays["metrics"])

    def on_epoch_end(self, epoch, logs=None):
        history = self.state["history"]
        for name, value in (logs or {}).items():
            history.setdefault(name, []).append(float(value))
        self.state.update(epochs=epoch + 1, steps=0, stopped=bool(self.model.stop_training))
        self._save()

    def save_within_epoch(self, steps):
        """Saves a checkpoint after so many steps of the epoch under way; `fit` then goes on behind them."""
        if steps > self.state["steps"]:  # else they are just being passed over
            self.state["steps"] = steps
            self._save()

    def on_train_end(self, logs=None):
        # Saved once more: early stopping has just brought back the best weights.
        self.state["finished"] = True
        self._save()

    def _save(self):
        self.state["seconds"] = self.timer.read()
        arrays = self._collect()  # of several processes, all take part in what this may compute
        if not is_writer():
            return
        try:
            self._write(self.directory / self._name(), arrays)
        except OSError as error:
            raise OSError(
                f"The checkpoint {self._name()} cannot be written to {self.directory} "
                f"({os.strerror(error.errno) if error.errno else error}). The one before it is kept; the same command "
                "goes on from there."
            ) from error
        for other in self.directory.iterdir():  # earlier ones, and what killed processes left
            if other.name.lstrip(".").startswith("epoch-") and other.name != self._name():
                remove(other)

    def _collect(self):
        """All arrays of a checkpoint by their names."""
        groups = {
            "variables": self.model.variables,  # seeds of random numbers among them
            "optimizer": self.model.optimizer.variables,
            "metrics": self.model.metrics_variables if self.state["steps"] else [],
            "best": getattr(self.early_stopping, "best_weights", None) or [],
        }
        values = {f"{group}:{i}": value for group in GROUPS for i, value in enumerate(groups[group])}
        return {name: keras.ops.convert_to_numpy(value) for name, value in values.items()}

    def _write(self, folder, arrays):
        stopping = self.early_stopping
        self.directory.mkdir(parents=True, exist_ok=True)
        with atomic(folder) as temporary:
            temporary.mkdir()
            np.savez(temporary / ARRAYS_FILE, **arrays)
            state = {name: getattr(stopping, name) for name in STOPPING_STATE} if stopping is not None else None
            (temporary / STATE_FILE).write_text(json.dumps({**self.state, "early_stopping": state}))

    def _name(self):
        """The name of the checkpoint's folder; a later one sorts behind."""
        steps = f"-step-{self.state['steps']:07d}" if self.state["steps"] else ""
        return f"epoch-{self.state['epochs']:05d}{'-final' if self.state['finished'] else steps}"


def assign(variables, values):
    """Gives variables their values; there have to be as many."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def pass_over_steps(model, steps):
    """Lets `fit`, which has just begun, read the batches of the first steps without training on them.

    Args:
        model: `ObjectiveModel`.
        steps: number of steps that were taken before, a multiple of `model.steps_per_execution`.
    """
    function, left = model.train_function, steps

    def pass_over(*arguments):
        nonlocal left
        *state, iterator = arguments
        for _ in range(model.steps_per_execution):
            next(iterator)
        left -= model.steps_per_execution
        if left <= 0:
            model.train_function = function
        return ({}, *state) if state else {}

    model.train_function = pass_over
