"""Saving a run that SIGTERM stops."""

import keras

from trainers.runs.termination import EXIT_STATUS


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
