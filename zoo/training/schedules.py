"""Learning-rate schedules that Keras lacks."""

import keras
from keras import ops

from zoo.validation import check_number


@keras.saving.register_keras_serializable(package="zoo")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A constant rate that from some step on falls linearly to zero.

    Args:
        initial_learning_rate: above 0.
        num_steps: steps of the whole training, at least 1; the rate is 0 from there on.
        decay_start: share of the steps after which the decay begins, from 0 to 1.

    Raises:
        TypeError, ValueError: a number out of range.
    """

    def __init__(self, initial_learning_rate, num_steps, decay_start=0.0):
        self.initial_learning_rate = check_number("initial_learning_rate", initial_learning_rate, above=0)
        self.num_steps = check_number("num_steps", num_steps, 1, integer=True)
        self.decay_start = check_number("decay_start", decay_start, 0, 1)

    def __call__(self, step):
        start = self.decay_start * self.num_steps
        remaining = (self.num_steps - ops.cast(step, "float32")) / max(self.num_steps - start, 1.0)
        return self.initial_learning_rate * ops.clip(remaining, 0.0, 1.0)

    def get_config(self):
        return {name: getattr(self, name) for name in ("initial_learning_rate", "num_steps", "decay_start")}
