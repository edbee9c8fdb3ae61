"""The time budget of a run."""

import time

import keras

from zoo.backend.distribution import gather


class TimeIsUp(Exception):
    """Training stopped at its deadline, behind a checkpoint."""


class Deadline(keras.callbacks.Callback):
    """Stops training at the end of the epoch in which the time is over. Put it behind `Checkpoint`.

    Args:
        deadline: of `time.monotonic`, or None.

    Raises:
        TimeIsUp: naming the epochs that are done.
    """

    def __init__(self, deadline):
        super().__init__()
        self.deadline = deadline

    def on_epoch_end(self, epoch, logs=None):
        # Clocks differ between hosts, but either all stop or none.
        if any(gather(self.deadline is not None and time.monotonic() > self.deadline)):
            raise TimeIsUp(f"stopped for time after {epoch + 1} epochs; the same command goes on from there")
