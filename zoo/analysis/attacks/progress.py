"""The progress of iterated attacks."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from zoo.analysis.attacks.task import Task


@contextlib.contextmanager
def progress_bar(task: Task, num_steps: int, verbose: int) -> Iterator[None]:
    """A context in which a task moves Keras's bar, with the share of the inputs that resist.

    Args:
        task: of the attack.
        num_steps: number of steps if an input resists to the end.
        verbose: 1 shows a progress bar, 0 does not.

    Example:
        >>> from zoo.analysis.attacks.progress import progress_bar
        >>> from zoo.analysis.attacks.task import Task
        >>> task = Task(lambda x: x * 1.0, np.array([[2.0, 1.0]]), [0], 0.1, "l2", None, 500)
        >>> with progress_bar(task, 10, verbose=0):
        ...     task.progress(5)
    """
    if not verbose:
        yield
        return
    bar = keras.utils.Progbar(num_steps, stateful_metrics=["robust_percent"], unit_name="step")
    done = 0

    def move(steps, finalize=False):
        nonlocal done
        done = min(done + steps, num_steps)
        resisting = [("robust_percent", 100 * float(np.mean(~task.fooled)))]
        bar.update(done, resisting, finalize=finalize)

    task.progress = move
    yield
    move(num_steps, finalize=True)
