"""The order of the callbacks of a run: Keras calls them one after another, as they stand in the list."""

from collections.abc import Sequence

import keras

from trainers.runs.callbacks.curves import Curves
from trainers.runs.callbacks.deadline import Deadline
from trainers.runs.callbacks.save_on_termination import SaveOnTermination
from zoo.training.callbacks.checkpoint import Checkpoint
from zoo.training.callbacks.halt_on_nan import HaltOnNaN


def in_order(
    *,
    method: Sequence[keras.callbacks.Callback],
    observers: Sequence[keras.callbacks.Callback],
    curves: Curves,
    checkpoint: Checkpoint,
    termination: SaveOnTermination,
    deadline: Deadline,
) -> list[keras.callbacks.Callback]:
    """Puts the callbacks of a run in the order in which they work together.

    Args:
        method: callbacks of the recipe, which set the weights at the end of training: early stopping restores the best
            ones, `ReestimateStatistics` measures the batch statistics of these. `AttackedError` comes before the early
            stopping that monitors it.
        observers: callbacks that change nothing, such as logs and pictures.
        curves: adds to the history that the checkpoint saves.
        checkpoint: saves the run.
        termination: ends the process after SIGTERM.
        deadline: ends training when the time is up.

    Returns:
        The list for `fit`.
    """
    return [
        checkpoint.timer,  # first: the seconds of an epoch end before other callbacks measure and save
        HaltOnNaN(),  # before all that saves: SIGTERM in a step with a NaN loss must not save its weights
        *method,  # before the checkpoint: the final checkpoint holds the weights that they set
        *observers,  # before those that may raise: the last epoch is logged, too
        curves,  # before the checkpoint: a stopped run resumes with the curves of all its epochs
        checkpoint,  # before those that end the run: every complete epoch is saved
        termination,  # after the checkpoint: the process ends when the epoch is saved
        deadline,  # last: it raises, and nothing after it would run
    ]
