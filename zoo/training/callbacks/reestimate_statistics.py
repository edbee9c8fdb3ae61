"""Statistics of batch normalization for the trained weights."""

from typing import Any

import keras
import numpy as np

from zoo.training.statistics import reestimate_statistics
from zoo.validation import check_number


class ReestimateStatistics(keras.callbacks.Callback):
    """Re-estimates the statistics of batch normalization when training ends, see `reestimate_statistics`.

    Put it after callbacks that restore earlier weights, and before callbacks that save.

    Args:
        x: raw training inputs, `(n, ...)`.
        batch_size: number of examples per batch, at least 1.
        unbiased: whether the variances are unbiased.

    Raises:
        TypeError: `batch_size` is not an integer.
        ValueError: `batch_size` is below 1.

    Example:
        >>> x = np.random.normal(size=(64, 4)).astype("float32")
        >>> callback = zoo.training.ReestimateStatistics(x, batch_size=32)
        >>> callback.set_model(zoo.RegularizedModel(zoo.networks.mlp((4,), num_classes=3, hidden_units=(8,))))
        >>> callback.on_train_end()
    """

    def __init__(self, x: np.ndarray, batch_size: int = 100, *, unbiased: bool = False):
        super().__init__()
        self.x = x
        self.batch_size = check_number("batch_size", batch_size, 1, integer=True)
        self.unbiased = unbiased

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Re-estimates the statistics."""
        reestimate_statistics(self.model, self.x, self.batch_size, unbiased=self.unbiased)
