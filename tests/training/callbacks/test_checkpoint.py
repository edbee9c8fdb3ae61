"""Checkpoints: an interrupted run ends with the same result as an uninterrupted one."""

import json
import time
import types

import keras
import numpy as np
import pytest

from tests.support.interruptions import Interrupt
from zoo.training.callbacks import checkpoint as checkpoints
from zoo.training.callbacks.checkpoint import STATE_FILE, Checkpoint
from zoo.training.callbacks.halt_on_nan import HaltOnNaN


class InterruptAtTheEnd(keras.callbacks.Callback):
    """Stops training after the last epoch, before the final checkpoint."""

    def on_train_end(self, logs=None):
        raise KeyboardInterrupt


@pytest.mark.parametrize("stop", [(2, None), (2, 1)], ids=["between_epochs", "within_an_epoch"])
def test_interrupted_run_ends_as_the_uninterrupted_one(stop, train, tmp_path, assert_same_weights):
    whole, record = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("stopped", [Interrupt(*stop)])
    assert Checkpoint(tmp_path / "stopped").state["epochs"] == 2
    resumed, continued = train("stopped")
    assert_same_weights(whole, resumed)
    for a, b in zip(whole.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a.value), keras.ops.convert_to_numpy(b.value))
    assert continued.state["history"] == record.state["history"]
    assert continued.state["finished"] and continued.state["epochs"] == 4
    assert continued.state["seconds"] > 0


@pytest.mark.parametrize("stops", [[0], [1], [0, 1]])
def test_run_saved_within_an_epoch_continues_after_its_steps(stops, train, tmp_path, assert_same_weights):
    whole, record = train("whole")
    for batch in stops:  # the second run skips the batches of the first, and saves nothing while it skips
        with pytest.raises(KeyboardInterrupt):
            train("stopped", save_within=(2, batch))
        assert [path.name for path in (tmp_path / "stopped").iterdir()] == [f"epoch-00002-step-{batch + 1:07d}"]
        saved = Checkpoint(tmp_path / "stopped")
        assert (saved.state["epochs"], saved.state["steps"], saved.needs_every_step) == (2, batch + 1, True)
    resumed, continued = train("stopped")
    assert continued.state["history"] == record.state["history"]
    assert_same_weights(whole, resumed)


@pytest.mark.parametrize("steps, at_a_time, works", [(8, 4, True), (7, 4, False), (7, 1, True)])
def test_steps_that_run_together_cannot_be_skipped_in_part(steps, at_a_time, works):
    def trained(iterator):
        return {"loss": 0.0}

    model, batches = types.SimpleNamespace(train_function=trained, steps_per_execution=at_a_time), iter(range(20))
    if not works:
        with pytest.raises(ValueError, match="saved after 7 steps of an epoch, but 4 steps run at a time"):
            checkpoints._skip_steps(model, steps)
        assert model.train_function is trained
        return
    checkpoints._skip_steps(model, steps)
    while model.train_function is not trained:
        model.train_function(batches)
    assert next(batches) == steps


@pytest.mark.parametrize("moment, counted", [("on_train_batch_end", True), ("on_epoch_end", False)])
def test_seconds_are_those_of_training(moment, counted, train, monkeypatch):
    """They exclude a thousand seconds of other work after each epoch."""
    passed, real = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + passed[0])

    def wait(index, logs=None):
        passed[0] += 1000

    slow = keras.callbacks.Callback()
    setattr(slow, moment, wait)
    seconds = train(callbacks=[slow], epochs=2)[1].state["seconds"]
    assert passed[0] >= 2000 and (seconds > 1000) == counted


class Explode(keras.callbacks.Callback):
    """Breaks the weights in the first step of the third epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            self.model.optimizer.learning_rate = np.inf


# On TensorFlow the three steps of the epoch are one execution.
NAN_STEP = 3 if keras.backend.backend() == "tensorflow" else 2


def test_nan_halts_and_keeps_the_last_good_checkpoint(train, tmp_path, assert_same_weights):
    with pytest.raises(FloatingPointError, match=f"nan in epoch 3, step {NAN_STEP}\\. .*ramp_up_steps"):
        train(callbacks=[HaltOnNaN(), Explode()])
    assert Checkpoint(tmp_path / "run").newest().name == "epoch-00002"
    assert_same_weights(train("whole")[0], train()[0])


class Worsen(keras.callbacks.Callback):
    """Records the validation loss and the weights of every epoch, and spoils training after the second."""

    def on_train_begin(self, logs=None):
        self.losses, self.weights = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["val_loss"])
        self.weights.append(self.model.get_weights())
        if epoch == 1:
            self.model.optimizer.learning_rate = 10.0


def test_final_checkpoint_holds_the_best_weights_of_early_stopping(train, fresh, data, tmp_path):
    worsen = Worsen()
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    _, checkpoint = train(callbacks=[worsen, stopping], epochs=8, validation_data=data)
    best = int(np.argmin(worsen.losses))
    assert len(worsen.losses) == best + 3 == checkpoint.state["epochs"] and checkpoint.state["finished"]
    restored = fresh()
    Checkpoint(tmp_path / "run").restore(restored)
    for a, b in zip(restored.get_weights(), worsen.weights[best], strict=True):
        np.testing.assert_array_equal(a, b)


def test_run_stopped_before_the_final_checkpoint_only_ends(train, tmp_path, assert_same_weights):
    """The process was killed after the last epoch and before the final checkpoint, so nothing is left to train."""
    whole, _ = train(epochs=2)
    folder = tmp_path / "run" / "epoch-00002-final"
    state = json.loads((folder / STATE_FILE).read_text())
    (folder / STATE_FILE).write_text(json.dumps({**state, "finished": False}))
    folder.rename(tmp_path / "run" / "epoch-00002")
    again, checkpoint = train(epochs=2)
    assert checkpoint.state["finished"] and checkpoint.state["epochs"] == 2
    assert_same_weights(whole, again)


def test_early_stopping_continues(train, data, tmp_path, assert_same_weights):
    """Patience, best weights and the stop survive an interruption at any epoch."""

    def run(folder, callbacks=()):
        stopping = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
        spoiling = [Worsen(), stopping, *callbacks]
        return train(folder, spoiling, epochs=8, validation_data=data, early_stopping=stopping)

    whole, record = run("whole")
    epochs = record.state["epochs"]
    assert epochs < 8
    for epoch in range(1, epochs):
        with pytest.raises(KeyboardInterrupt):
            run("stopped", [Interrupt(epoch)])
    with pytest.raises(KeyboardInterrupt):
        run("stopped", [InterruptAtTheEnd()])
    assert Checkpoint(tmp_path / "stopped").state["stopped"]
    resumed, continued = run("stopped")
    assert_same_weights(whole, resumed)
    assert continued.state["history"] == record.state["history"] and continued.state["epochs"] == epochs
