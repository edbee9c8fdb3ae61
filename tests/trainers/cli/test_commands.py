"""Every command as a user starts it: its help, its exit status, and what libraries write meanwhile."""

import re
import tomllib

import pytest

from tests.support.documents import ROOT
from tests.support.run_programs import run, start

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
PROGRAMS = [target.rpartition(":")[2] for target in SCRIPTS.values()]
LIBRARIES = ("keras", "tensorflow", "jax", "zoo.training")  # what takes seconds to import
WRONG = {
    "train": ["--recipe=mnist_mlp-vta"],
    "evaluate": ["--model=synthetic_mlp-vat", "--attack=sgin"],
    "reproduce": ["--table=synthetc"],
    "tune": ["--engine=baysian"],
    "analyze": ["--num_examples=1"],
    "draw": ["--format=jpg"],
    "report": ["--table=synthetic", "--workdir=runs/x"],
    "convert": ["--model=synthetic_mlp-vat", "--format=onxx"],
    "publish": ["--private"],
}
FAILING = {
    "train": ["--workdir={file}/work"],
    "evaluate": ["--model=nothing"],
    "reproduce": ["--table=synthetic", "--results={file}/results"],
    "tune": ["--space=learning_rate=0.1", "--workdir={file}/work"],
    "analyze": ["--analysis={file}/analysis"],
    "draw": ["--names=perturbations", "--model=nothing"],
    "report": ["--workdir={file}/work"],
    "convert": ["--model=nothing"],
    "publish": ["--model=nothing"],
}


def test_every_program_is_tested():
    assert sorted(PROGRAMS) == sorted(WRONG) == sorted(FAILING) and len(PROGRAMS) >= 8


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_has_examples_then_all_flags_and_loads_no_backend(program):
    done = start(program, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "absl.flags" in imported and not imported.intersection(LIBRARIES)
    assert all(line.startswith("import time:") for line in done.stderr.splitlines())
    examples, _, flags = done.stdout.partition("\n\nWhat to ")
    assert f"    python -m trainers.{program}" in examples and "Exit status: 0" in flags
    source = (ROOT / "trainers" / f"{program}.py").read_text()
    defined = re.findall(r'flags\.DEFINE_\w+\(\s*"(\w+)"', source)
    assert defined
    for name in defined:
        assert re.search(rf"^  --(\[no\])?{name}\b", flags, re.MULTILINE), name


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_command_line_ends_with_status_2_and_one_line(program):
    for wrong in (["--nonsense=1"], WRONG[program]):
        done = start(program, *wrong)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_a_failure_ends_with_status_1_and_one_line(tmp_path):
    file = tmp_path / "file"  # where a folder is expected
    file.touch()
    for program in PROGRAMS:
        line = [program, *(flag.format(file=file) for flag in FAILING[program])]
        status, out, err = run(*line)
        assert (status, out) == (1, ""), line
        assert err.startswith("error: ") and err.count("\n") == 1, (line, err)


def test_a_level_in_the_environment_shows_the_messages():
    done = start("evaluate", "--model=nothing", TF_CPP_MIN_LOG_LEVEL="0")
    assert done.returncode == 1 and re.search(r"^I\d{4} ", done.stderr, re.MULTILINE)
