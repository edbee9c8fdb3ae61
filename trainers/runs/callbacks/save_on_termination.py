"""Saves a run that SIGTERM stops."""

from typing import Any

import keras

from trainers.runs.termination import EXIT_STATUS, Termination
from zoo.training.callbacks.checkpoint import Checkpoint

RESUME = "run the same command again to resume"


class SaveOnTermination(keras.callbacks.Callback):
    """Saves a checkpoint after the step in which SIGTERM arrived, then ends the process.

    Args:
        termination: an entered `Termination`.
        checkpoint: saves the run.

    Raises:
        SystemExit: with status 143.
    """

    needs_every_step = False  # the checkpoint says when steps must run one at a time

    def __init__(self, termination: Termination, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.termination, self.checkpoint = termination, checkpoint

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves and exits within the epoch; after its last step, `on_epoch_end` does so."""
        if self.termination.requested and batch + 1 < self.params["steps"]:
            self.checkpoint.save_within_epoch(batch + 1)
            print(f"Stopped by SIGTERM in epoch {self.checkpoint.state['epochs'] + 1}; {RESUME}.")
            raise SystemExit(EXIT_STATUS)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Exits; the checkpoint of the epoch is complete."""
        if self.termination.requested:
            print(f"Stopped by SIGTERM after {epoch + 1} epochs; {RESUME}.")
            raise SystemExit(EXIT_STATUS)
