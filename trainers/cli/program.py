"""The frame of a command: flags are its only arguments, and an error ends it with one line.

The exit status is 0 if the command did its work, 1 if it failed, 2 if the command line is wrong, 130 if the user
interrupted it, and 141 if the reader of its output has ended, such as `head`.
"""

import contextlib
import functools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from absl import app, flags, logging

from trainers.cli import quiet
from trainers.cli.completion import complete
from trainers.cli.help import Sections, help_text

ERRORS = (ValueError, TypeError, OSError, ImportError, FloatingPointError, subprocess.CalledProcessError)
FAILED, WRONG_USAGE, INTERRUPTED, CLOSED_PIPE = 1, 2, 130, 141


def is_finite(value: float | None) -> bool:
    """Whether the value of a flag is finite or None; the bounds of absl flags let NaN through."""
    return value is None or math.isfinite(value)


class UsageError(ValueError):
    """The command line is wrong."""


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """A context in which `ValueError` and `TypeError` mean that the command line is wrong."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from error


def end(message: str, status: int) -> NoReturn:
    """Ends the process with a message on standard error."""
    print(message, file=sys.stderr)
    sys.exit(status)


def end_of_pipe() -> NoReturn:
    """Ends the process as the signal SIGPIPE would, after a write to a pipe that nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes standard output at its end
    sys.exit(CLOSED_PIPE)


def main_of(work: Callable[[], str | None], end: Callable[[str, int], None] = end) -> Callable[[list[str]], None]:
    """Makes the `main` of a command.

    Args:
        work: does what the flags ask for. If it returns a message, the command fails with it.
        end: ends the process with a message and a status.

    Returns:
        A function that ends the process with one line if `work` raises one of `ERRORS`, or if the user
        interrupts it. With `ZOO_TRACEBACK=1` in the environment it raises the error itself.
    """

    def main(argv):
        try:
            if len(argv) > 1:
                raise UsageError(f"Arguments have the form --flag=value, received {argv[1:]}.")
            failure, status = work(), FAILED
            sys.stdout.flush()
        except BrokenPipeError:
            end_of_pipe()
        except (KeyboardInterrupt, *ERRORS) as error:
            if os.environ.get("ZOO_TRACEBACK"):
                raise
            failure, status = describe(error)
        if failure:
            end(failure, status)

    return main


def describe(error: BaseException) -> tuple[str, int]:
    """The line and the exit status for an error."""
    if isinstance(error, KeyboardInterrupt):
        return ("\n" if sys.stderr.isatty() else "") + "interrupted", INTERRUPTED  # a terminal shows ^C before it
    return f"error: {error}", WRONG_USAGE if isinstance(error, UsageError) else FAILED


def show(text: str) -> NoReturn:
    """Prints a help text and ends the process."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        end_of_pipe()
    sys.exit()


def parse(sections: Sections, argv: list[str]) -> list[str]:
    """Reads the flags; answers `--help`, `--helpfull` and a shell's tab, and ends the process if a flag is wrong.

    Args:
        sections: of the help text.
        argv: program and arguments.

    Returns:
        The program and the arguments that are no flags.
    """
    complete(sections)
    if {"--help", "-help", "--helpshort", "-h", "-?"} & set(argv):
        show(help_text(sys.modules["__main__"].__doc__, sections))
    if {"--helpfull", "-helpfull"} & set(argv):
        show(f"{sys.modules['__main__'].__doc__} {flags.FLAGS.get_help()}")
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        end(f"error: {error}", WRONG_USAGE)
    if flags.FLAGS["verbosity"].using_default_value:
        flags.FLAGS.verbosity = logging.WARNING
    return rest


def run(main: Callable[[list[str]], None], sections: Sections) -> None:
    """Runs a command.

    Args:
        main: of the command, from `main_of`.
        sections: of its help text.
    """
    quiet.set_defaults()
    app.run(main, flags_parser=functools.partial(parse, sections))
