"""The figures of a command, for people or for machines."""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Give = Callable[[str, Mapping[str, Any]], None]


@contextlib.contextmanager
def figures(as_json: bool) -> Iterator[Give]:
    """A context in which a command gives its figures.

    Args:
        as_json: whether standard output gets one JSON object and standard error everything else.

    Yields:
        `(text, content)`, which prints the text, or the content as JSON.
    """
    if not as_json:
        yield lambda text, content: print(text, flush=True)
        return
    screen = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        yield lambda text, content: print(json.dumps(content, indent=1), file=screen, flush=True)


def stdout_of_subprocesses() -> int | None:
    """The `stdout` for subprocesses, so that they print where this process prints now.

    Returns:
        An argument of `subprocess.Popen`; None, which is the standard output of the process, if Python alone prints to
        `sys.stdout`, as in tests.
    """
    try:
        return sys.stdout.fileno()
    except io.UnsupportedOperation:
        return None
