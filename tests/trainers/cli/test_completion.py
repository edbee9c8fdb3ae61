"""Tab completion: what a shell gets from the commands."""

import os
import subprocess
import sys

import pytest

from tests.support.documents import ROOT

pytest.importorskip("argcomplete")
SEPARATOR = "\x0b"


@pytest.fixture
def complete(tmp_path):
    """The completions of a line, as a shell asks for them."""

    def call(line):
        file = tmp_path / "completions"
        asking = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SHELL": "bash", "_ARGCOMPLETE_STDOUT_FILENAME": str(file)}
        environment = {**os.environ, **asking, "COMP_LINE": line, "COMP_POINT": str(len(line)), "IFS": SEPARATOR}
        environment["PYTHONPROFILEIMPORTTIME"] = "1"
        program = line.split()[0].removeprefix("zoo-")
        script = f"from trainers.cli.console_scripts import {program}; {program}()"
        done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0 and "absl.flags" in done.stderr and " keras\n" not in done.stderr
        return [each.strip().rpartition("=")[2] for each in file.read_text().split(SEPARATOR)]

    return call


@pytest.mark.parametrize(
    "line, some, others",
    [
        ("zoo-train --recipe=mnist_mlp-va", ["mnist_mlp-vat", "mnist_mlp-vat_lazy"], ["mnist_mlp-baseline"]),
        ("zoo-train --re", ["--recipe", "--results"], ["--seed", "--log_dir"]),
        ("zoo-train --no", ["--nolist", "--noexport"], ["--norun_with_pdb"]),
        ("zoo-train --distribute=", ["devices", "hosts", "none"], ["mnist_mlp-vat"]),
        ("zoo-evaluate --model=synthetic_mlp-v", ["synthetic_mlp-vat"], ["synthetic_mlp-baseline"]),
        ("zoo-evaluate --attack=auto", ["autoattack", "autoattack_l2"], ["sign"]),
        ("zoo-reproduce --table=mnist,cifar10_4", ["mnist,cifar10_4000"], ["mnist,mnist"]),
        ("zoo-reproduce --recipes=cifar10_conv_large", ["cifar10_conv_large-4000_vat"], ["mnist_mlp-vat"]),
    ],
)
def test_names_and_flags_are_completed(complete, line, some, others):
    found = complete(line)
    assert set(some) <= set(found) and not set(others) & set(found)
