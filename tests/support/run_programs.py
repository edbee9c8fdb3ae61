"""Runs programs one after another in one process, which spares the imports; `python -m tests.support.run_programs`.

Reads `[[program, flag, ...], ...]` as JSON and writes a list of the same length: exit status, standard output and
standard error of each.
"""

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys

from absl import flags

from tests.support.documents import ROOT
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


def in_one_process(lines):
    """Exit status, standard output and standard error of programs, `[[program, flag, ...], ...]`, in a new process."""
    command, environment = [sys.executable, "-m", __name__], {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, input=json.dumps(lines), env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


if __name__ == "__main__":
    json.dump([run(*line) for line in json.load(sys.stdin)], sys.stdout)
