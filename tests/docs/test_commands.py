"""The commands in the documents parse, and name recipes, models, extras, make targets and files that exist."""

import importlib.util
import re
import tomllib

import keras
import pytest

import zoo
from tests.support.documents import DOCUMENTS, ROOT, Command, commands
from tests.support.parse_flags import complaints
from trainers.cli.recipe_flags import parse_override, parse_spaces
from trainers.results.tables import TABLES, matching
from zoo import recipes
from zoo.recipes.search import ends

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same on every backend")
ABSL_PROGRAM = re.compile(r"(trainers|benchmarks)\.\w+")
COMMANDS = [command for document in DOCUMENTS for command in commands(document)]


def module_of(command):
    """The module that a `python -m` starts, or None."""
    return command.words[2] if command.words[0].startswith("python") and command.words[1:2] == ["-m"] else None


def values(command, flag):
    """What a command gives for a flag, as often as it does."""
    return [word.split("=", 1)[1] for word in command.words if word.startswith(f"--{flag}=")]


def check_names(command):
    """Everything that a command names exists.

    Raises:
        AssertionError, ValueError: something does not.
    """
    chosen = [recipes.get(name) for name in values(command, "recipe")]
    for assignment in values(command, "override"):
        chosen[0].override(dict([parse_override(assignment)]))
    if module_of(command) == "trainers.tune" and values(command, "space"):
        for path, domain in parse_spaces(values(command, "space"))["space"].items():
            for value in ends(domain):
                chosen[0].override({path: value})
    for names in values(command, "table"):
        assert set(names.split(",")) <= set(TABLES)
    for patterns in values(command, "recipes"):
        assert all(matching(recipes.RECIPES, [pattern]) for pattern in patterns.split(","))
    for names in values(command, "model"):
        assert set(names.split(",")) <= set(zoo.list_models(ROOT / "saved_models"))


def check_program(command):
    """What a command starts exists: module, make target, extra, test file."""
    makefile, project = (ROOT / "Makefile").read_text(), tomllib.loads((ROOT / "pyproject.toml").read_text())
    program, *words = command.words
    for word in words:
        for extras in re.findall(r"\.\[([\w,-]+)\]", word):
            assert set(extras.split(",")) <= set(project["project"]["optional-dependencies"])
        if re.match(r"(ARGS=)?(tests|benchmarks|trainers|docs)/", word):
            assert (ROOT / word.removeprefix("ARGS=")).exists(), word
    if program == "make":
        for target in (word for word in words if "=" not in word):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    if module_of(command) is not None and ABSL_PROGRAM.fullmatch(module_of(command)):
        assert importlib.util.find_spec(module_of(command)) is not None, module_of(command)


def test_documents_have_commands():
    assert len(COMMANDS) > 30 and {command.words[0] for command in COMMANDS} >= {"make", "pip", "python"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.document.stem}: {command.line}")
def test_command_names_what_exists(command):
    check_program(command)
    check_names(command)


def test_programs_take_the_flags():
    words = [[word for word in command.words if word != "--help"] for command in COMMANDS if module_of(command)]
    lines = [[module, *flags] for _, _, module, *flags in words]
    lines = [line for line in lines if ABSL_PROGRAM.fullmatch(line[0])]
    wrong = ["trainers.train", "--recpie=mnist_mlp-vat"], ["trainers.evaluate", "--model=m", "--attack=sgin"]
    *found, misspelt, unknown_choice, missing = complaints([*lines, *wrong, ["trainers.evaluate"]])
    told = {" ".join(line): complaint for line, complaint in zip(lines, found, strict=True) if complaint}
    assert not told
    assert "recpie" in misspelt and "sgin" in unknown_choice and "--model" in missing


@pytest.mark.parametrize(
    "line",
    [
        "python -m trainers.train --recipe=mnist_mlp-vta",
        "python -m trainers.train --recipe=mnist_mlp-vat --override=epoch=3",
        "python -m trainers.evaluate --model=mnist_mlp-vta",
        "python -m trainers.reproduce --recipes=nothing_*",
        "python -m trainers.trian",
        "make trian",
        "pip install '.[jaxx]'",
        "make test ARGS=tests/nowhere",
    ],
)
def test_wrong_commands_are_caught(line, tmp_path):
    document = tmp_path / "wrong.md"
    document.write_text(f"```sh\nKERAS_BACKEND=jax {line}  # wrong\n```\n")
    (command,) = commands(document)
    assert isinstance(command, Command)
    with pytest.raises((AssertionError, ValueError)):
        check_program(command)
        check_names(command)
