"""Any text in flags gives a run or one line that starts with `error:`, and no file outside the working directory."""

import pathlib

import hypothesis
import pytest
from hypothesis import strategies as st

from trainers.cli.recipe_flags import parse_override
from trainers.runs import run

TEXT = st.text(max_size=12) | st.sampled_from(["name=../../x", "epochs=2", "dataset=../x", "=", ""])
OVERRIDE = st.sampled_from(["name", "epochs", "network.name", "optimizer.name", "dataset", "schedule", "x"]).flatmap(
    lambda field: TEXT.map(lambda value: f"{field}={value}")
)


class Trained(ValueError):
    """Stands for a training run."""


@hypothesis.given(recipe=TEXT, override=st.lists(TEXT | OVERRIDE, max_size=2), seed=st.integers(0, 2**70))
def test_flags_give_a_run_or_one_line(main, tmp_path_factory, recipe, override, seed):
    folder = tmp_path_factory.mktemp("flags")

    def trained(recipe, seed, workdir, *arguments):
        assert folder in (pathlib.Path.cwd() / workdir).parents and ".." not in workdir.parts
        raise Trained("trained")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "train", trained)
        patch.chdir(folder)
        recipe = recipe if len(override) == 0 else "synthetic_mlp-vat"
        error = main(recipe=recipe, override=override, seed=seed, workdir=f"{folder}/work")
        default = main(recipe=recipe, override=override, seed=seed) if error == "error: trained" else None
    assert error.startswith("error: ") and default in (None, "error: trained")
    assert list(folder.iterdir()) == []


@hypothesis.given(st.text(max_size=20))
def test_overrides_are_split_or_refused(text):
    try:
        field, _ = parse_override(text)
    except ValueError as error:
        assert "FIELD=VALUE" in str(error) and "=" not in text
    else:
        assert text.startswith(f"{field}=")


def test_enormous_values_are_refused(main, tmp_path):
    digits = "9" * 5000  # more than Python converts to an integer
    for override in (f"epochs={digits}", "network=" + "[" * 100_000):
        assert main(workdir=f"{tmp_path}/work", override=[override], epochs=None).startswith("error: ")
    assert not list(tmp_path.iterdir())
