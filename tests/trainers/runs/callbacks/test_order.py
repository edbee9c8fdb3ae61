"""The order of callbacks, and what each wrong order would break."""

import time
import types

import keras
import numpy as np
import pytest

from benchmarks.outcome import arrays
from trainers.runs.callbacks.deadline import Deadline, TimeIsUp
from trainers.runs.callbacks.order import in_order
from trainers.runs.callbacks.save_on_termination import SaveOnTermination
from zoo.training.callbacks.checkpoint import Checkpoint, Timer
from zoo.training.callbacks.halt_on_nan import HaltOnNaN


class Curve(keras.callbacks.Callback):
    """Appends a value to a history after each epoch, as `Curves` does."""

    def __init__(self, history):
        super().__init__()
        self.history = history

    def on_epoch_end(self, epoch, logs=None):
        self.history.setdefault("curve", []).append(epoch)


class SetWeights(keras.callbacks.Callback):
    """Sets all weights to 0 at the end of training, as callbacks of a method set other weights."""

    def on_train_end(self, logs=None):
        self.model.network.set_weights([np.zeros_like(weight) for weight in self.model.network.get_weights()])


class Observer(keras.callbacks.Callback):
    """Takes 5 s after each epoch by a clock that nothing else moves; needs every step."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_end(self, batch, logs=None):
        pass

    def on_epoch_end(self, epoch, logs=None):
        self.clock[0] += 5.0


@pytest.fixture
def clock(monkeypatch):
    """The time in a list, on the clock of `time.monotonic`."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def train(tmp_path, clock, data, network, model, quick):
    """Trains two epochs of three steps, with the callbacks of one class moved to a place; returns what fit raised."""

    def call(kind=None, place=None, *, broken=False, terminated=False, deadline=None, batch_size=8):
        trained = model(network(), **quick)
        checkpoint = Checkpoint(tmp_path)
        if broken:
            trained.network.set_weights([np.full_like(weight, np.nan) for weight in trained.network.get_weights()])
        callbacks = in_order(
            method=[SetWeights()],
            observers=[Observer(clock)],
            curves=Curve(checkpoint.state["history"]),
            checkpoint=checkpoint,
            termination=SaveOnTermination(types.SimpleNamespace(requested=terminated), checkpoint),
            deadline=Deadline(deadline),
        )
        if kind is not None:
            (moved,) = [callback for callback in callbacks if isinstance(callback, kind)]
            callbacks.remove(moved)
            callbacks.insert(len(callbacks) if place == "last" else 0, moved)
        try:
            trained.fit(*data, batch_size=batch_size, epochs=2, shuffle=False, callbacks=callbacks, verbose=0)
        except (FloatingPointError, SystemExit, TimeIsUp) as stop:
            return stop
        return None

    return call


def newest(folder):
    """The name of the newest checkpoint, or None."""
    found = Checkpoint(folder).newest()
    return found and found.name


def test_the_order():
    checkpoint = types.SimpleNamespace(timer="timer")
    first, nan, *rest = in_order(
        method=["early stopping", "statistics"],
        observers=["log"],
        curves="curves",
        checkpoint=checkpoint,
        termination="termination",
        deadline="deadline",
    )
    assert first == "timer" and isinstance(nan, HaltOnNaN)
    assert rest == ["early stopping", "statistics", "log", "curves", checkpoint, "termination", "deadline"]


@pytest.mark.parametrize("kind, seconds", [(None, 0.0), (Timer, 10.0)])
def test_the_timer_comes_first_or_counts_other_callbacks(kind, seconds, train, tmp_path):
    train(kind, "last")
    assert Checkpoint(tmp_path).state["seconds"] == seconds


def test_the_guard_against_nan_comes_before_termination_or_broken_weights_are_saved(train, tmp_path):
    assert isinstance(train(broken=True, terminated=True), FloatingPointError) and newest(tmp_path) is None
    assert isinstance(train(HaltOnNaN, "last", broken=True, terminated=True), SystemExit)
    assert newest(tmp_path) == "epoch-00000-step-0000001"
    assert not all(np.isfinite(array).all() for array in arrays(tmp_path / newest(tmp_path)).values())


@pytest.mark.parametrize("kind, zero", [(None, True), (SetWeights, False)])
def test_the_method_comes_before_the_checkpoint_or_its_weights_are_lost(kind, zero, train, tmp_path):
    train(kind, "last")
    saved = arrays(tmp_path / newest(tmp_path))
    assert all(np.any(array) for name, array in saved.items() if array.ndim == 2 and "variables" in name) is not zero


@pytest.mark.parametrize("kind, values", [(None, [0]), (Curve, None)])
def test_curves_come_before_the_checkpoint_or_a_stopped_run_lacks_them(kind, values, train, tmp_path):
    assert isinstance(train(kind, "last", deadline=-1.0), TimeIsUp)
    assert Checkpoint(tmp_path).state["history"].get("curve") == values


@pytest.mark.parametrize("kind, saved", [(None, "epoch-00001"), (Deadline, None)])
def test_the_deadline_comes_last_or_the_epoch_is_lost(kind, saved, train, tmp_path):
    assert isinstance(train(kind, "first", deadline=-1.0), TimeIsUp)
    assert newest(tmp_path) == saved


@pytest.mark.parametrize("kind, saved", [(None, "epoch-00001"), (SaveOnTermination, None)])
def test_termination_comes_after_the_checkpoint_or_the_epoch_is_lost(kind, saved, train, tmp_path):
    assert isinstance(train(kind, "first", terminated=True, batch_size=24), SystemExit)
    assert newest(tmp_path) == saved
