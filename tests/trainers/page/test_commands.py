"""The commands behind a table give its rows: their backends, their seeds, their settings."""

from trainers.page.commands import REPRODUCE, of_table
from trainers.results.tables import TABLES, matching
from zoo import recipes


def content(name, backends):
    return {
        "recipe": recipes.get(name).as_dict(),
        "seeds": {str(n): {"backend": each} for n, each in enumerate(backends)},
    }


def test_one_command_for_a_table_whose_rows_are_alike():
    names = matching(recipes.RECIPES, TABLES["ladder"][1])
    contents = [content(name, ["jax", "jax"]) for name in names]
    assert of_table("ladder", contents) == f"KERAS_BACKEND=jax {REPRODUCE} --table=ladder --seeds=2"


def test_rows_of_other_backends_and_seeds_have_commands_of_their_own():
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
