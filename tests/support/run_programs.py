"""Runs programs one after another in this process; `python -m tests.support.run_programs`.

Reads `[[program, flag, ...], ...]` as JSON and writes a list of the same length: exit status, standard output and
standard error of each.
"""

import contextlib
import io
import json
import runpy
import sys

from absl import flags

from tests.support.parse_flags import separate_flags


def run(program, *words):
    """The exit status of a program and what it printed."""
    for module in [name for name in sys.modules if name.split(".")[0] == "trainers"]:
        del sys.modules[module]  # what programs share defines its flags for each
    out, err, status = io.StringIO(), io.StringIO(), 0
    with separate_flags(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main = runpy.run_module(f"trainers.{program}", run_name="not main")["main"]
            main(flags.FLAGS([program, *words]))
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    json.dump([run(*line) for line in json.load(sys.stdin)], sys.stdout)
