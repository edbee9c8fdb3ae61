"""Pictures for TensorBoard while a network trains, on both backends."""

import pathlib
import struct
import time
from typing import Any

import keras
from keras import ops
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from trainers.runs.callbacks.event_files import spare_tensorflow
from zoo.datasets import Dataset
from zoo.optional import require

NUM_SHOWN = 3
EPSILON, DISTANCE = 2.0, 1.5  # L2 norm of perturbations, in units of the input; length of movements, in positions


class PictureLog(keras.callbacks.Callback):
    """Draws the first test inputs, perturbed and moved, with the decisions of the network.

    Args:
        directory: folder of the event files.
        dataset: of signals, or of images with one or three channels. The callback draws nothing for other data.
        interval: draw after every `interval` epochs, at least 1.

    Raises:
        ImportError: Matplotlib is not installed.
    """

    def __init__(self, directory: str | pathlib.Path, dataset: Dataset, interval: int) -> None:
        super().__init__()
        require("matplotlib", "Drawing pictures", "report")
        self.directory, self.interval = str(directory), interval
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
            for name, picture in self._pictures(f"epoch {epoch + 1}").items():
                self._write(name, picture, epoch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the event file."""
        self.writer.close()

    def _pictures(self, title):
        from trainers.pictures import from_networks

        examples = self.model.network, self.inputs, self.labels
        return {
            "perturbations": from_networks.perturbed_pairs(*examples, EPSILON, 0, title),
            "movements": from_networks.moved_pairs(*examples, "smooth", DISTANCE, title),
        }

    def _write(self, name, picture, epoch):
        from trainers.pictures.files import png

        content = png(picture)
        width, height = struct.unpack(">II", content[16:24])  # the header of a PNG file holds them there
        image = summary_pb2.Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=content)
        summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=f"pictures/{name}", image=image)])
        self.writer.add_event(event_pb2.Event(summary=summary, step=epoch, wall_time=time.time()))
        self.writer.flush()
