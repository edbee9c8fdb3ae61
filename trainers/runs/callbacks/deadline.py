"""The time budget of a run."""

import time
from typing import Any

import keras

from zoo.backend.processes import gather


class TimeIsUp(Exception):
    """Training stopped at its deadline; its last checkpoint is complete."""


class Deadline(keras.callbacks.Callback):
    """Stops training at the end of the epoch in which the deadline passes.

    Args:
        deadline: time on the clock of `time.monotonic`; None never stops.

    Raises:
        TimeIsUp: with the number of complete epochs.
    """

    def __init__(self, deadline: float | None) -> None:
        super().__init__()
        self.deadline = deadline

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Raises `TimeIsUp` if the deadline has passed on any host."""
        # The clocks of hosts differ, but all hosts must stop after the same epoch.
        if any(gather(self.deadline is not None and time.monotonic() > self.deadline)):
            raise TimeIsUp(f"out of time after {epoch + 1} epochs; run the same command again to resume")
