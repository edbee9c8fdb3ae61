"""Runs programs: as a user starts them, or in the process of the test, which spares the imports."""

import contextlib
import io
import os
import runpy
import subprocess
import sys

import keras
from absl import flags

from tests.support.documents import ROOT
from tests.support.parse_flags import separate_flags, separate_modules

UNSET = ("TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS", "XLA_FLAGS")


def start(program, *words, **environment):
    """The finished process of a program, as started by a user who sets neither log levels nor flags of XLA."""
    own = {name: value for name, value in os.environ.items() if name not in UNSET}
    command = [sys.executable, "-m", f"trainers.{program}", *map(str, words)]
    environment = {**own, "KERAS_BACKEND": keras.backend.backend(), **environment}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)


def run(program, *words):
    """The exit status of a program that runs in this process, its standard output and its standard error.

    It imports `trainers` again, so what a test patches there does not apply.
    """
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        separate_modules(),
        separate_flags(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main = runpy.run_module(f"trainers.{program}", run_name="not main")["main"]
            main(flags.FLAGS([program, *map(str, words)]))
        except SystemExit as end:
            status = end.code or 0
    return status, out.getvalue(), err.getvalue()


def train(*words):
    """What a training prints. It runs in this process, except on JAX, where the export replaces the process."""
    if keras.backend.backend() == "jax":
        done = start("train", *words)
        status, out, err = done.returncode, done.stdout, done.stderr
    else:
        status, out, err = run("train", *words)
    assert status == 0, err
    return out
