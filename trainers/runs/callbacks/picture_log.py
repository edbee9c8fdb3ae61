"""Pictures for TensorBoard while a network trains, on both backends."""

import pathlib
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from trainers.runs.callbacks.scalar_log import spare_tensorflow
from zoo.datasets import Dataset

NUM_SHOWN = 3
Draw = Callable[[keras.Model, np.ndarray, np.ndarray, str], Mapping[str, bytes]]


class PictureLog(keras.callbacks.Callback):
    """Logs pictures of the network and the first test inputs.

    Args:
        directory: folder of the event files.
        dataset: of signals, or of images with one or three channels. Nothing is drawn for other data.
        interval: draw after every `interval` epochs, at least 1.
        draw: from network, preprocessed inputs, labels and a title to the content of PNG files by their names.
    """

    def __init__(self, directory: str | pathlib.Path, dataset: Dataset, interval: int, draw: Draw) -> None:
        super().__init__()
        self.directory, self.interval, self.draw = str(directory), interval, draw
        self.x, self.labels = dataset.x_test[:NUM_SHOWN], dataset.y_test[:NUM_SHOWN].ravel()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the event file and preprocesses the inputs."""
        spare_tensorflow()
        self.writer = EventFileWriter(self.directory, filename_suffix=".pictures")
        inputs = self.model.prepare(ops.convert_to_tensor(self.x), training=False)[0]
        self.inputs = ops.convert_to_numpy(inputs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws and writes the pictures if it is their turn."""
        drawable = self.inputs.ndim == 2 or (self.inputs.ndim == 4 and self.inputs.shape[-1] in (1, 3))
        if drawable and (epoch + 1) % self.interval == 0:
            pictures = self.draw(self.model.network, self.inputs, self.labels, f"epoch {epoch + 1}")
            for name, content in pictures.items():
                self._write(name, content, epoch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the event file."""
        self.writer.close()

    def _write(self, name: str, content: bytes, epoch: int) -> None:
        width, height = struct.unpack(">II", content[16:24])  # the header of a PNG file holds them there
        image = summary_pb2.Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=content)
        summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=f"pictures/{name}", image=image)])
        self.writer.add_event(event_pb2.Event(summary=summary, step=epoch, wall_time=time.time()))
        self.writer.flush()
