"""The training program in the process of the test."""

import pytest
from absl import flags
from absl.testing import flagsaver

SHORT = {"recipe": "synthetic_mlp-vat", "epochs": 3, "override": ["network.hidden_units=[8]"], "verbose": 0}


@pytest.fixture(scope="session")
def main():
    """Runs the training program in this process, which spares the imports; returns the error it exits with."""
    from trainers import train

    flags.FLAGS.mark_as_parsed()

    def call(**values):
        with flagsaver.flagsaver(**{**SHORT, "export": False, **values}):
            try:
                train.main(["train"])
            except SystemExit as end:
                return str(end.code)
        return None

    return call
