"""A guard against a loss that is no number."""

import math

import keras

from zoo.training.precision import computes_in


class HaltOnNaN(keras.callbacks.Callback):
    """Stops training with an error as soon as the loss is NaN or infinite.

    Put it before `Checkpoint` in the list of callbacks, so that no broken epoch is saved.

    Raises:
        FloatingPointError: naming epoch and step, both counted from 1; of several steps in one execution, the last.
    """

    needs_every_step = False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            step = min(batch + 1, self.params.get("steps") or batch + 1)  # an execution may reach beyond the epoch
            raise FloatingPointError(
                f"The loss became {loss} in epoch {self.epoch + 1}, step {step}. The last good checkpoint is kept. A "
                "lower learning rate, a smaller weight of the penalty or a ramp-up (ramp_up_steps) may help."
                + self._hint()
            )

    def _hint(self):
        if not computes_in(self.model, "float16"):
            return ""
        return " The network computes in float16, which overflows at 65504; mixed_bfloat16 has the range of float32."
