"""What the programs have in common: arguments are flags, and what is wrong ends them with one line."""

import math
import os
import subprocess
import sys

from absl import app

ERRORS = (ValueError, TypeError, OSError, ImportError, FloatingPointError, subprocess.CalledProcessError)


def is_finite(value):
    """Whether a flag has a finite value, or none; for `flags.register_validator`, since NaN is within all bounds."""
    return value is None or math.isfinite(value)


def main_of(work, end=sys.exit):
    """The `main` of a program, for `absl.app.run`.

    Args:
        work: does all that the flags ask for; what it returns, if anything, is the message with which it fails.
        end: ends the program with a message.

    Returns:
        A function that ends with one line where `work` raises one of `ERRORS`; with ZOO_TRACEBACK=1 in the environment
        the error itself comes through.
    """

    def main(argv):
        if len(argv) > 1:
            raise app.UsageError(f"Arguments are given as --flag=value, received {argv[1:]}.")
        try:
            failure = work()
        except ERRORS as error:
            if os.environ.get("ZOO_TRACEBACK"):
                raise
            failure = f"error: {error}"
        if failure:
            end(failure)

    return main
