"""A guard against a loss that is not finite."""

import math
from typing import Any

import keras

from zoo.training.precision import computes_in


class HaltOnNaN(keras.callbacks.Callback):
    """Stops training with an error as soon as the loss is NaN or infinite.

    Put it before `Checkpoint` in the list of callbacks, so that `Checkpoint` does not save the broken epoch.

    Raises:
        FloatingPointError: the loss is not finite. The message has the epoch and the step, counted from 1; if several
            steps run at a time, the last of them.

    Example:
        >>> guard = zoo.training.callbacks.HaltOnNaN()
        >>> guard.on_epoch_begin(0)
        >>> guard.on_train_batch_end(0, {"loss": 2.3})
    """

    needs_every_step = False
    hint = ""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Looks at the model, which a callback that runs in a thread must not do during a step on JAX."""
        if computes_in(self.model, "float16"):
            self.hint = (
                " The network computes in float16, which overflows at 65504; mixed_bfloat16 has the range of float32."
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch for the message."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Checks the loss."""
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            step = min(batch + 1, self.params.get("steps") or batch + 1)  # several steps may reach beyond the epoch
            self.report(
                f"The loss became {loss} in epoch {self.epoch + 1}, step {step}. Try a lower learning rate, a smaller "
                f"weight of the penalty or a ramp-up (ramp_up_steps).{self.hint} Check labels and inputs too: a class "
                "index that is out of range makes the loss NaN."
            )

    def report(self, message: str) -> None:
        """Stops training.

        Args:
            message: where the loss became NaN, and what to try.

        Raises:
            FloatingPointError: always.
        """
        raise FloatingPointError(f"{message} The last good checkpoint is kept.")
