"""The commands of a table reproduce its rows: their backends, seeds and settings."""

import shlex

import pytest

from trainers.cli.recipe_flags import parse_overrides
from trainers.page.commands import REPRODUCE, of_table, overrides
from trainers.results.tables import TABLES, matching
from zoo import recipes


def content(name, backends):
    return {
        "recipe": recipes.get(name).as_dict(),
        "seeds": {str(n): {"backend": each} for n, each in enumerate(backends)},
    }


def test_similar_rows_share_one_command():
    names = matching(recipes.RECIPES, TABLES["ladder"][1])
    contents = [content(name, ["jax", "jax"]) for name in names]
    assert of_table("ladder", contents) == f"KERAS_BACKEND=jax {REPRODUCE} --table=ladder --seeds=2"


def test_rows_with_other_backends_or_seeds_have_separate_commands():
    rows = {"vat": ["jax", "jax"], "l1": ["jax"], "l2": ["jax"], "rpt": ["tensorflow"], "at_l2": ["jax", "tensorflow"]}
    contents = [content(f"synthetic_mlp-{name}", backends) for name, backends in rows.items()]
    mixed = "python -m trainers.train --recipe=synthetic_mlp-at_l2"
    assert of_table("synthetic", contents).splitlines() == [
        f"KERAS_BACKEND=jax {mixed} --seed=0 --noexport",
        f"{mixed} --seed=1 --noexport",
        f"KERAS_BACKEND=jax {REPRODUCE} --recipes=synthetic_mlp-vat --seeds=2",
        f"KERAS_BACKEND=jax {REPRODUCE} --recipes=synthetic_mlp-l1,synthetic_mlp-l2 --seeds=1",
        f"{REPRODUCE} --recipes=synthetic_mlp-rpt --seeds=1",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"regularizers": {"at": {"epsilon": 1.0}}},
        {"regularizers": {}, "epochs": 3},
        {"regularizers.vat.epsilon": 0.5},
        {"precision": "mixed_bfloat16", "optimizer": {"name": "sgd", "momentum": 0.9}},
    ],
)
def test_overrides_lead_from_the_recipe_to_the_recorded_one(changes):
    recipe = recipes.get("synthetic_mlp-vat")
    recorded = recipe.override(changes)
    given = [flag.removeprefix("--override=") for flag in shlex.split(overrides(recorded.as_dict()))]
    assert given and recipe.override(parse_overrides(given)).settings() == recorded.settings()
