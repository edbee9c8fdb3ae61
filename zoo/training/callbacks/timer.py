"""The seconds that a training takes."""

import time
from typing import Any

import keras


class Timer(keras.callbacks.Callback):
    """Counts the seconds of training.

    Put it first in the list of callbacks. The work of other callbacks at the end of an epoch is then not counted.

    Attributes:
        seconds: seconds up to the last reading.

    Example:
        >>> timer = zoo.training.callbacks.Timer()
        >>> timer.on_epoch_begin(0)
        >>> timer.on_epoch_end(0)
        >>> timer.seconds > 0
        True
    """

    def __init__(self):
        super().__init__()
        self.seconds = 0.0
        self.begun: float | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts counting."""
        self.begun = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stops counting."""
        self.read()
        self.begun = None

    def read(self) -> float:
        """The seconds up to now."""
        if self.begun is not None:
            now = time.monotonic()
            self.seconds, self.begun = self.seconds + now - self.begun, now
        return self.seconds
