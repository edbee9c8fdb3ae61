"""What SIGTERM does to a run: it is saved, and ends."""

import signal
import threading

import keras

EXIT_STATUS = 128 + signal.SIGTERM  # as shells have it


class Termination:
    """While it is entered, SIGTERM is only noted; leaving it then ends the process with status 143.

    Elsewhere SIGTERM kills at once, which costs nothing that is on the disk. Only the main thread can be asked to note
    signals: in another one nothing is changed.

    Attributes:
        requested: whether SIGTERM came.
    """

    requested = False

    def __enter__(self):
        self.in_charge = threading.current_thread() is threading.main_thread()
        if self.in_charge:
            self.previous = signal.signal(signal.SIGTERM, self._note)
        return self

    def _note(self, number, frame):
        self.requested = True

    def __exit__(self, kind, error, traceback):
        if self.in_charge:
            signal.signal(signal.SIGTERM, self.previous)
        if self.requested and kind is None:
            raise SystemExit(EXIT_STATUS)


class SaveOnTermination(keras.callbacks.Callback):
    """Saves a checkpoint after the step in which SIGTERM came, and ends the process. Put it behind the `Checkpoint`.

    Args:
        termination: an entered `Termination`.
        checkpoint: `Checkpoint`.

    Raises:
        SystemExit: with status 143.
    """

    def __init__(self, termination, checkpoint):
        super().__init__()
        self.termination, self.checkpoint = termination, checkpoint

    @property
    def needs_every_step(self):
        return self.checkpoint.needs_every_step

    def on_train_batch_end(self, batch, logs=None):
        if self.termination.requested and batch + 1 < self.params["steps"]:  # else the epoch ends and saves
            self.checkpoint.save_within_epoch(batch + 1)
            print(f"Stopped by SIGTERM in epoch {self.checkpoint.state['epochs'] + 1}; the same command goes on.")
            raise SystemExit(EXIT_STATUS)

    def on_epoch_end(self, epoch, logs=None):
        if self.termination.requested:
            print(f"Stopped by SIGTERM after {epoch + 1} epochs; the same command goes on.")
            raise SystemExit(EXIT_STATUS)
