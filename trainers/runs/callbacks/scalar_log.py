"""Training curves for TensorBoard, on both backends."""

import keras
from tensorboard.summary import Writer


class ScalarLog(keras.callbacks.Callback):
    """Writes every epoch's logs as scalars.

    Keras's own `TensorBoard` callback writes through TensorFlow, which a JAX run does not import; TensorBoard's
    writer needs neither.

    Args:
        directory: folder for the event files.
    """

    def __init__(self, directory):
        super().__init__()
        self.directory = directory

    def on_train_begin(self, logs=None):
        self.writer = Writer(str(self.directory))

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.writer.add_scalar(f"epoch/{name}", float(value), epoch)
        self.writer.flush()

    def on_train_end(self, logs=None):
        self.writer.close()
