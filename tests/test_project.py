"""The files around the code agree with it: commands, versions, supported Pythons and the range of Keras."""

import importlib.metadata
import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import zoo

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
PROGRAMS = sorted(path.stem for path in (ROOT / "trainers").glob("*.py") if path.stem != "__init__")
# What a command does, without the program: it names the module that it would run and those that it has imported.
STARTS = """
import importlib.metadata, runpy, sys
runpy.run_module = lambda name, run_name, alter_sys: print(name, run_name, alter_sys)
importlib.metadata.EntryPoint("command", sys.argv[1], "console_scripts").load()()
print(*(name for name in sys.modules if name.partition(".")[0] in ("absl", "keras", "trainers", "zoo")))
"""


def bounds_of(library):
    """`{operator: version}` of what the requirements allow."""
    lines = [line.partition("#")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()]
    allowed = next(each.specifier for each in map(Requirement, lines) if each.name == library)
    return {each.operator: Version(each.version) for each in allowed}


def minor_version(library, constraints):
    """Major and minor version at which constraints hold a library."""
    return Version(re.search(rf"\b{library}==(\d+\.\d+)", constraints)[1]).release[:2]


def test_every_program_has_a_command():
    assert sorted(PROJECT["scripts"]) == [f"zoo-{program}" for program in PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_command_is_a_callable_and_its_program_has_a_main(program):
    target = PROJECT["scripts"][f"zoo-{program}"]
    command = importlib.metadata.EntryPoint(f"zoo-{program}", target, "console_scripts").load()
    assert callable(command)
    source = (ROOT / "trainers" / f"{program}.py").read_text()
    assert re.search(r'^if __name__ == "__main__":\n    program\.run\(main, SECTIONS\)$', source, flags=re.MULTILINE)


def test_a_command_runs_its_own_program_as_main_and_imports_no_other():
    target = PROJECT["scripts"]["zoo-evaluate"]
    done = subprocess.run([sys.executable, "-c", STARTS, target], cwd=ROOT, capture_output=True, text=True, check=True)
    started, imported = done.stdout.splitlines()
    assert started == "trainers.evaluate __main__ True"
    assert set(imported.split()) == {"trainers", "trainers.cli", "trainers.cli.console_scripts"}


def test_a_command_shows_the_help_of_its_program():
    program = "from trainers.cli.console_scripts import convert; convert()"
    done = subprocess.run([sys.executable, "-c", program, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert "python -m trainers.convert" in done.stdout and "--format" in done.stdout


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "version" in PROJECT["dynamic"]  # setuptools reads it from zoo
    assert citation["version"] == zoo.__version__
    assert f"## [{zoo.__version__}] - {citation['date-released']}\n" in changelog
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Homepage"]


def test_ci_runs_every_supported_python():
    supported = SpecifierSet(PROJECT["requires-python"])
    tested = JOBS["test"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minor}" for minor in range(100) if f"3.{minor}" in supported]
    named = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if "Python :: 3." in each]
    assert tested == named


def test_ci_runs_both_backends_with_the_lowest_and_the_newest_keras():
    assert JOBS["test"]["strategy"]["matrix"]["backend"] == ["tensorflow", "jax"]
    lowest, newest = (row["constraints"] for row in JOBS["keras"]["strategy"]["matrix"]["include"])
    for library in ("keras", "tensorflow"):
        assert minor_version(library, lowest) == bounds_of(library)[">="].release[:2]
    major, minor = minor_version("keras", newest)
    assert (major, minor + 1) == bounds_of("keras")["<"].release[:2]


def test_ci_starts_targets_of_the_makefile():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    commands = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
    started = {command.split()[1] for command in commands if command.startswith("make ")}
    assert started == {"lint", "types", "test", "docs", "stress"}
    assert started <= targets


def test_hooks_format_with_a_ruff_that_the_project_allows():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hook = next(each["rev"] for each in repositories if each["repo"].endswith("/ruff-pre-commit"))
    development = map(Requirement, PROJECT["optional-dependencies"]["dev"])
    assert hook.removeprefix("v") in next(each.specifier for each in development if each.name == "ruff")


def test_types_ship():
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert (ROOT / "zoo" / "py.typed").is_file() and "py.typed" in setup["package-data"]["zoo"]


@pytest.mark.skipif(importlib.util.find_spec("setuptools") is None, reason="setuptools is not installed")
def test_the_wheel_has_the_files_that_are_not_python_and_no_models(tmp_path):
    """Built from a copy, because setuptools leaves folders in the source."""
    for name in ("zoo", "trainers", "pyproject.toml", "requirements.txt", "LICENSE"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, tmp_path / name)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path / "wheels")]
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", ".", *options], cwd=tmp_path, capture_output=True)
    assert not done.returncode, done.stderr
    (wheel,) = (tmp_path / "wheels").iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= {"zoo/py.typed", "zoo/pretrained/index.json", "zoo/pretrained/templates/README.md.jinja"}
    assert not [name for name in names if "saved_model" in name and not name.endswith(".py")]
    assert wheel.stat().st_size < 2**20
