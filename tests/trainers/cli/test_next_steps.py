"""What a training suggests at its end: three commands that parse, for this recipe and backend."""

import pathlib
import shlex
import sys

import pytest

from tests.support.parse_flags import complaints
from trainers.cli import next_steps
from zoo import recipes

RECIPE = recipes.get("synthetic_mlp-vat")
WORKDIR, MODEL = pathlib.Path("runs/of mine/seed-0"), pathlib.Path("saved_models/synthetic_mlp-vat")
CASES = {
    "quick": (RECIPE, {"seconds": 5.0, "backend": "tensorflow"}, MODEL),
    "long, on JAX": (RECIPE, {"seconds": 500.0, "backend": "jax"}, MODEL),
    "images": (recipes.get("mnist_mlp-vat"), {"seconds": 5.0, "backend": "jax"}, MODEL),
    "not exported": (RECIPE, {"seconds": 5.0, "backend": "tensorflow"}, None),
    "changed": (RECIPE.override({"epochs": 3}), {"seconds": 5.0, "backend": "tensorflow"}, MODEL),
    "own": (RECIPE.override({"name": "mine"}), {"seconds": 5.0, "backend": "tensorflow"}, None),
}


def commands(case):
    """The suggested commands, without their purposes."""
    recipe, result, model = CASES[case]
    first, *lines = next_steps.next_steps(recipe, result, WORKDIR, model, 0.25).splitlines()
    assert first == "Next:" and len(lines) == 3
    return [line.strip().partition("  # ")[0] for line in lines]


def test_the_suggestions_fit_the_run():
    evaluate, reproduce, listing = commands("quick")
    assert "trainers.evaluate --model=saved_models/synthetic_mlp-vat --attack=pgd_l2 --epsilon=0.25" in evaluate
    assert "trainers.reproduce --recipes=synthetic_mlp-vat --seeds=10" in reproduce and "KERAS_BACKEND" not in reproduce
    assert listing.endswith("trainers.train --list")
    assert commands("long, on JAX")[1].startswith("KERAS_BACKEND=jax ") and "--seeds=2 " in commands("long, on JAX")[1]
    assert "--recipe=synthetic_mlp-vat --workdir=" in commands("changed")[1]
    assert all("evaluate" not in command for command in commands("not exported"))
    assert all("synthetic_mlp-vat" not in command for command in commands("own"))


def test_the_suggestions_parse():
    lines = []
    for case in CASES:
        for command in commands(case):
            words = [word for word in shlex.split(command) if not word.startswith("KERAS_BACKEND=")]
            assert words[1] == "-m"
            lines.append(words[2:])
    told = {" ".join(line): complaint for line, complaint in zip(lines, complaints(lines), strict=True) if complaint}
    assert list(told) == ["trainers.train --help"]  # answered before the flags are parsed


@pytest.mark.parametrize(
    "executable, found, expected",
    [
        ("/usr/bin/python3", "/usr/bin/python", "python"),
        ("/here/.venv/bin/python", "/usr/bin/python", ".venv/bin/python"),
        ("/opt/my python/bin/python", None, "'/opt/my python/bin/python'"),
    ],
)
def test_python_is_written_as_the_user_can_call_it(executable, found, expected, monkeypatch):
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(next_steps.shutil, "which", lambda name: found)
    monkeypatch.setattr(pathlib.Path, "cwd", classmethod(lambda cls: cls("/here")))
    assert next_steps.python() == expected
