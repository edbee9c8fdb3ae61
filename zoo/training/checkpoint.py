"""Checkpoints from which a stopped run goes on as if it had not been stopped."""

import json
import os
import pathlib
import time

import keras
import numpy as np

from zoo.files import remove, whole
from zoo.training.execution import STEPS_AT_A_TIME

STATE_FILE = "state.json"
WEIGHTS_FILE = "model.weights.h5"
BEST_FILE = "best_weights.npz"
START = {"epochs": 0, "steps": 0, "stopped": False, "finished": False, "history": {}, "seconds": 0.0}
STOPPING_STATE = ("wait", "best", "best_epoch", "stopped_epoch")


class Checkpoint(keras.callbacks.Callback):
    """Saves all that training goes on from after every epoch, and after a step when asked; restores the newest.

    Each checkpoint is a folder `epoch-NNNNN` (`-final` when training is over, `-step-NNNNNNN` within the next epoch)
    that appears whole; only then is its predecessor removed. (Keras's `BackupAndRestore` overwrites its files in place:
    killed while it writes, it leaves a broken checkpoint or weights of one epoch with the number of another.)

    Put it last in the list of callbacks: what the others do between epochs is then not in the time of training. Call
    `restore` before `fit`.

    Args:
        directory: where the checkpoints go.
        early_stopping: the `keras.callbacks.EarlyStopping` that watches the training, whose state is saved too, or
            None.

    Attributes:
        state: of the newest checkpoint: `{"epochs": completed, "steps": completed in the epoch under way, "stopped":
            whether a callback ended training early, "finished": whether training came to its end, "history": {name:
            [value per epoch]}, "seconds": of training, over all the runs so far}`.
    """

    def __init__(self, directory, early_stopping=None):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.early_stopping = early_stopping
        newest = self.newest()
        self.restored = self._read_state(newest) if newest is not None else {}
        self.state = {key: self.restored.get(key, value) for key, value in {**START, "history": {}}.items()}

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
            model.load_weights(newest / WEIGHTS_FILE)
            assign(self.random_states(model), self.restored["seeds"])
            self._restore_early_stopping(newest)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(
                f"The checkpoint {newest} does not fit this model or is damaged ({error}). Remove it to start anew, "
                "or choose another workdir."
            ) from error

    @staticmethod
    def random_states(model):
        """The states of all random generators of a model, which Keras does not save among the weights."""
        weights = {id(weight) for weight in model.weights}
        return [variable for variable in model.variables if id(variable) not in weights]

    def _restore_early_stopping(self, folder):
        self.stopping_state = self.restored.get("early_stopping") or {}
        if (folder / BEST_FILE).exists():
            with np.load(folder / BEST_FILE) as arrays:
                self.stopping_state["best_weights"] = list(arrays.values())

    def on_train_begin(self, logs=None):
        if self.early_stopping is not None:  # which has just forgotten
            for name, value in getattr(self, "stopping_state", {}).items():
                setattr(self.early_stopping, name, value)
        if self.state["steps"]:
            self.model.pass_over_steps(self.state["steps"])

    def on_epoch_begin(self, epoch, logs=None):
        self.clock = time.monotonic()
        if self.state["steps"] and epoch == self.state["epochs"]:
            assign(self.model.metrics_variables, self.restored["metrics"])

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
        now = time.monotonic()
        self.state["seconds"] += now - getattr(self, "clock", now)
        self.clock = now
        try:
            self._write(self.directory / self._name())
        except OSError as error:
            raise OSError(
                f"The checkpoint {self._name()} cannot be written to {self.directory} "
                f"({os.strerror(error.errno) if error.errno else error}). The one before it is kept; the same command "
                "goes on from there."
            ) from error
        for other in self.directory.iterdir():  # earlier ones, and what killed processes left
            if other.name.lstrip(".").startswith("epoch-") and other.name != self._name():
                remove(other)

    def _write(self, folder):
        self.directory.mkdir(parents=True, exist_ok=True)
        with whole(folder) as temporary:
            temporary.mkdir()
            self.model.save_weights(temporary / WEIGHTS_FILE)
            content = {
                **self.state,
                "seeds": numbers(self.random_states(self.model)),
                "metrics": numbers(self.model.metrics_variables) if self.state["steps"] else [],
                "early_stopping": self._save_early_stopping(temporary),
            }
            (temporary / STATE_FILE).write_text(json.dumps(content))

    def _name(self):
        """The name of the checkpoint's folder; a later one sorts behind."""
        steps = f"-step-{self.state['steps']:07d}" if self.state["steps"] else ""
        return f"epoch-{self.state['epochs']:05d}{'-final' if self.state['finished'] else steps}"

    def _save_early_stopping(self, folder):
        stopping = self.early_stopping
        if stopping is None:
            return None
        if stopping.best_weights is not None:
            np.savez(folder / BEST_FILE, *stopping.best_weights)
        return {name: getattr(stopping, name) for name in STOPPING_STATE}


def numbers(variables):
    """The values of variables as lists, which lose nothing in JSON."""
    return [keras.ops.convert_to_numpy(variable).tolist() for variable in variables]


def assign(variables, values):
    """Gives variables the values from `numbers`."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
