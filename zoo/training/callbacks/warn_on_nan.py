"""A warning about a loss that is not finite."""

import warnings

from zoo.training.callbacks.halt_on_nan import HaltOnNaN


class WarnOnNaN(HaltOnNaN):
    """Warns once if the loss becomes NaN or infinite. Every `fit` of the zoo's models has this callback.

    `HaltOnNaN` stops training instead.

    Example:
        >>> guard = zoo.training.callbacks.WarnOnNaN()
        >>> guard.on_epoch_begin(0)
        >>> guard.on_train_batch_end(0, {"loss": 2.3})
    """

    async_safe = True  # Keras need not wait for the callback after every step

    def __init__(self):
        super().__init__()
        self.warned = False

    def report(self, message: str) -> None:
        """Warns, the first time only."""
        if not self.warned:
            self.warned = True
            warnings.warn(f"{message} zoo.training.callbacks.HaltOnNaN stops training.", stacklevel=2)
