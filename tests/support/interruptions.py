"""Callbacks that stop training, as signals do."""

import keras


class Interrupt(keras.callbacks.Callback):
    """Stops training like a signal, at the beginning of an epoch or within it."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.stop_epoch, self.stop_batch, self.epoch = epoch, batch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.stop_batch is None and epoch == self.stop_epoch:
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.stop_epoch and batch == self.stop_batch:
            raise KeyboardInterrupt


class SaveWithin(Interrupt):
    """Saves after every step of an epoch, then stops training after one of them, like SIGTERM."""

    def __init__(self, checkpoint, epoch, batch):
        super().__init__(epoch, batch)
        self.checkpoint = checkpoint

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.stop_epoch:
            self.checkpoint.save_within_epoch(batch + 1)
        super().on_train_batch_end(batch, logs)
