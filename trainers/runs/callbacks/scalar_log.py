"""Training curves for TensorBoard, on both backends."""

import pathlib
import sys
import types
from typing import Any

import keras
from tensorboard.summary import Writer

SWITCH = "tensorboard.compat.notf"  # with a module of this name, TensorBoard opens files itself


def spare_tensorflow() -> None:
    """Keeps TensorBoard's writers from importing TensorFlow, which takes seconds; call it before opening one."""
    if "tensorflow" not in sys.modules:
        sys.modules.setdefault(SWITCH, types.ModuleType(SWITCH))


class ScalarLog(keras.callbacks.Callback):
    """Writes the logs of every epoch as scalars.

    The `TensorBoard` callback of Keras writes through TensorFlow, which a run on JAX does not import.

    Args:
        directory: folder of the event files.
    """

    def __init__(self, directory: str | pathlib.Path) -> None:
        super().__init__()
        self.directory = directory

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the event file."""
        spare_tensorflow()
        self.writer = Writer(str(self.directory))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the logs of the epoch."""
        for name, value in (logs or {}).items():
            self.writer.add_scalar(f"epoch/{name}", float(value), epoch)
        self.writer.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the event file."""
        self.writer.close()
