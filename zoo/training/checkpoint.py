"""Checkpoints from which a killed run goes on, and a guard against a loss that is no number."""

import json
import math
import pathlib
import shutil
import tempfile
import time

import keras

from zoo.training.distribution import is_writer

STATE_FILE = "state.json"
WEIGHTS_FILE = "model.weights.h5"


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimiser and history after every epoch, and restores the newest on `fit`.

    Each checkpoint is a folder `epoch-NNNNN` (`epoch-NNNNN-final` when training is over) that is filled under a
    temporary name and renamed when it is complete; only then is its predecessor removed. (Keras's `BackupAndRestore`
    overwrites its files in place: killed while it writes, it leaves a broken checkpoint or weights of one epoch with
    the number of another.)

    Put it last in the list of callbacks: what the others do between epochs is then not in the time of training.

    Args:
        directory: where the checkpoints go.

    Attributes:
        state: of the newest checkpoint: `{"epochs": completed, "finished": whether training came to its end,
            "history": {name: [value per epoch]}, "seconds": of training, over all the runs so far}`.
    """

    def __init__(self, directory):
        super().__init__()
        self.directory = pathlib.Path(directory)
        newest = self.newest()
        self.state = {"epochs": 0, "finished": False, "history": {}, "seconds": 0.0}
        if newest is not None:
            self.state = self._read_state(newest)

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
                f"The checkpoint {folder} is damaged ({error}). Remove that folder to start from the one before, or "
                "choose another workdir."
            ) from error

    def restore(self, model):
        """Loads the newest checkpoint into a compiled model; without one the model stays as it is.

        Raises:
            ValueError: the checkpoint is damaged or belongs to another model.
        """
        newest = self.newest()
        if newest is None:
            return
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        try:
            model.load_weights(newest / WEIGHTS_FILE)
            seeds = json.loads((newest / STATE_FILE).read_text())["seeds"]
            for variable, value in zip(self.random_states(model), seeds, strict=True):
                variable.assign(value)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(
                f"The checkpoint {newest} does not fit this model or is damaged ({error}). Remove it to start anew, "
                "or choose another workdir."
            ) from error

    def on_epoch_begin(self, epoch, logs=None):
        self.clock = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self.state["seconds"] += time.monotonic() - self.clock
        history = self.state["history"]
        for name, value in (logs or {}).items():
            history.setdefault(name, []).append(float(value))
        self.state["epochs"] = epoch + 1
        self._save()

    @staticmethod
    def random_states(model):
        """The states of all random generators of a model, which Keras does not save among the weights."""
        weights = {id(weight) for weight in model.weights}
        return [variable for variable in model.variables if id(variable) not in weights]

    def on_train_end(self, logs=None):
        # Saved once more: early stopping has just brought back the best weights.
        self.state["finished"] = True
        self._save()

    def _save(self):
        if not is_writer():
            # Saving may compute, and on JAX all processes must take part in what is computed.
            with tempfile.TemporaryDirectory() as elsewhere:
                self.model.save_weights(pathlib.Path(elsewhere) / WEIGHTS_FILE)
            return
        folder = self.directory / f"epoch-{self.state['epochs']:05d}{'-final' if self.state['finished'] else ''}"
        temporary = self.directory / "incomplete"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        self.model.save_weights(temporary / WEIGHTS_FILE)
        seeds = [keras.ops.convert_to_numpy(state).tolist() for state in self.random_states(self.model)]
        (temporary / STATE_FILE).write_text(json.dumps({**self.state, "seeds": seeds}))
        temporary.rename(folder)
        for previous in set(self.directory.glob("epoch-*")) - {folder}:
            shutil.rmtree(previous)


class HaltOnNaN(keras.callbacks.Callback):
    """Stops training with an error as soon as the loss is NaN or infinite.

    Put it before `Checkpoint` in the list of callbacks, so that no broken epoch is saved.

    Raises:
        FloatingPointError: naming epoch and step, both counted from 1; of several steps in one execution, the last.
    """

    needs_every_step = False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            step = min(batch + 1, self.params.get("steps") or batch + 1)  # an execution may reach beyond the epoch
            raise FloatingPointError(
                f"The loss became {loss} in epoch {self.epoch + 1}, step {step}. The last good checkpoint is kept. A "
                "lower learning rate, a smaller weight of the penalty or a ramp-up (ramp_up_steps) may help."
            )
