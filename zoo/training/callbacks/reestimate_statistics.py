"""Statistics of batch normalization that the trained weights have."""

import keras

from zoo.training.statistics import reestimate_statistics
from zoo.validation import check_number


class ReestimateStatistics(keras.callbacks.Callback):
    """Re-estimates the statistics of batch normalization when training ends, see `reestimate_statistics`.

    Put it after callbacks that bring back earlier weights, and before those that save.

    Args:
        x: raw training inputs, `(n, ...)`.
        batch_size: at least 1.
    """

    def __init__(self, x, batch_size=100):
        super().__init__()
        self.x = x
        self.batch_size = check_number("batch_size", batch_size, 1, integer=True)

    def on_train_end(self, logs=None):
        reestimate_statistics(self.model, self.x, self.batch_size)
