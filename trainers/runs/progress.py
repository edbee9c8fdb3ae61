"""Keras's progress bar, with the time left, on standard error."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A context with a progress bar, if standard error is a terminal.

    Args:
        total: number of units of work.
        unit: what is counted, in the singular, such as `"trial"`.

    Yields:
        A function that moves the bar by a number of units.
    """
    if not sys.stderr.isatty() or total < 1:
        yield lambda number: None
        return
    import keras

    done = 0

    def show(number):
        nonlocal done
        done = min(done + number, total)
        with contextlib.redirect_stdout(sys.stderr):  # the bar knows no other place
            bar.update(done, finalize=False)

    bar = keras.utils.Progbar(total, unit_name=unit)
    show(0)
    try:
        yield show
    except BaseException:
        print(file=sys.stderr)  # the error gets a line of its own
        raise
    with contextlib.redirect_stdout(sys.stderr):
        bar.update(total, finalize=True)


@contextlib.contextmanager
def counted(predict: Callable[[Any], Any], total: int) -> Iterator[Callable[[Any], Any]]:
    """A context with a progress bar that counts the examples that a function has seen.

    Args:
        predict: function of one batch.
        total: number of examples.

    Yields:
        The same function; its calls move the bar.
    """
    with progress(total, "example") as move:

        def moving(batch):
            outputs = predict(batch)
            move(len(batch))
            return outputs

        yield moving


def time_left(seconds: float, done: int, total: int) -> str:
    """How long the rest of some work takes, in words; empty at its beginning and its end.

    Args:
        seconds: that the first units took.
        done: number of these units.
        total: number of all units.

    Example:
        >>> time_left(60.0, done=1, total=4), time_left(60.0, done=0, total=4), time_left(7200.0, done=1, total=2)
        ('about 3 min left', '', 'about 2.0 h left')
    """
    if not 0 < done < total:
        return ""
    left = seconds / done * (total - done)
    if left < 90:
        return f"about {left:.0f} s left"
    return f"about {left / 60:.0f} min left" if left < 90 * 60 else f"about {left / 3600:.1f} h left"
