"""The frame of a command: flags are its only arguments, and an error ends it with one line."""

import math
import os
import subprocess
import sys
from collections.abc import Callable

from absl import app

ERRORS = (ValueError, TypeError, OSError, ImportError, FloatingPointError, subprocess.CalledProcessError)


def is_finite(value: float | None) -> bool:
    """Whether the value of a flag is finite or None; the bounds of absl flags let NaN through."""
    return value is None or math.isfinite(value)


def main_of(work: Callable[[], str | None], end: Callable[[str], None] = sys.exit) -> Callable[[list[str]], None]:
    """Makes the `main` of a command, for `absl.app.run`.

    Args:
        work: does what the flags ask for. If it returns a message, the command fails with it.
        end: ends the process with a message.

    Returns:
        A function that ends the process with one line if `work` raises one of `ERRORS`. With `ZOO_TRACEBACK=1` in the
        environment it raises the error itself.
    """

    def main(argv):
        if len(argv) > 1:
            raise app.UsageError(f"Arguments have the form --flag=value, received {argv[1:]}.")
        try:
            failure = work()
        except ERRORS as error:
            if os.environ.get("ZOO_TRACEBACK"):
                raise
            failure = f"error: {error}"
        if failure:
            end(failure)

    return main
