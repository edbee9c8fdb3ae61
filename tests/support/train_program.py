"""The training program in the process of the test."""

import contextlib
import io
from unittest import mock

import keras
import pytest
from absl import flags
from absl.testing import flagsaver

TENSORFLOW = keras.backend.backend() == "tensorflow"
SHORT = {"recipe": "synthetic_mlp-vat", "epochs": 3, "override": ["network.hidden_units=[8]"], "verbose": 0}


def without_xla():
    """A context in which TensorFlow skips XLA, which takes seconds to compile what runs in milliseconds."""
    if not TENSORFLOW:
        return contextlib.nullcontext()
    return mock.patch("zoo.training.execution_plan._choose_jit_compile", lambda seen: False)


@pytest.fixture(scope="session")
def main():
    """Runs the training program in this process, which spares the imports; returns the error that it ends with.

    On TensorFlow it skips XLA, unless the test asks for it.
    """
    from trainers import train

    flags.FLAGS.mark_as_parsed()

    def call(xla=False, **values):
        errors = io.StringIO()
        try:
            with (
                contextlib.nullcontext() if xla else without_xla(),
                flagsaver.flagsaver(**{**SHORT, "export": False, **values}),
                contextlib.redirect_stderr(errors),
            ):
                train.main(["train"])
        except flags.Error as error:
            return f"error: {error}"
        except SystemExit as end:
            return errors.getvalue().strip() or str(end.code)
        return None

    return call
