"""Learning-rate schedules that Keras does not have."""

from typing import Any

import keras
from keras import ops

from zoo.validation import check_number


@keras.saving.register_keras_serializable(package="zoo")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A constant learning rate that decays linearly to zero from some step on.

    `rate(t) = initial_learning_rate·min(1, (T − t)/(T − decay_start·T))`, and 0 from step T on. The
    denominator is at least 1.

    Args:
        initial_learning_rate: above 0.
        decay_steps: T, number of steps of the whole training, at least 1.
        decay_start: share of the steps before the decay begins, from 0 to 1.

    Raises:
        TypeError: an argument is not a number.
        ValueError: an argument is out of range.

    Example:
        >>> schedule = zoo.training.LinearDecay(0.1, decay_steps=100, decay_start=0.5)
        >>> [round(float(schedule(step)), 3) for step in (0, 50, 75, 100)]
        [0.1, 0.1, 0.05, 0.0]
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_start: float = 0.0):
        self.initial_learning_rate = check_number("initial_learning_rate", initial_learning_rate, above=0)
        self.decay_steps = check_number("decay_steps", decay_steps, 1, integer=True)
        self.decay_start = check_number("decay_start", decay_start, 0, 1)

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step, which counts from 0."""
        start = self.decay_start * self.decay_steps
        remaining = (self.decay_steps - ops.cast(step, "float32")) / max(self.decay_steps - start, 1.0)
        return self.initial_learning_rate * ops.clip(remaining, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in ("initial_learning_rate", "decay_steps", "decay_start")}
