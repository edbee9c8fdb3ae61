"""The training program in the process of the test."""

import contextlib
import io

import pytest
from absl import flags
from absl.testing import flagsaver

SHORT = {"recipe": "synthetic_mlp-vat", "epochs": 3, "override": ["network.hidden_units=[8]"], "verbose": 0}


@pytest.fixture(scope="session")
def main():
    """Runs the training program in this process, which spares the imports; returns the error that it ends with."""
    from trainers import train

    flags.FLAGS.mark_as_parsed()

    def call(**values):
        errors = io.StringIO()
        try:
            with flagsaver.flagsaver(**{**SHORT, "export": False, **values}), contextlib.redirect_stderr(errors):
                train.main(["train"])
        except flags.Error as error:
            return f"error: {error}"
        except SystemExit as end:
            return errors.getvalue().strip() or str(end.code)
        return None

    return call
