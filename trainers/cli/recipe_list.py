"""The list of all recipes: by data set and table, with our error next to the published one.

Import it in a context of `without_keras`, because it needs none.
"""

import itertools
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from trainers.results.statistics import as_mean_and_spread
from trainers.results.store import read_results
from trainers.results.tables import TABLES, as_published, changed_settings, errors_by_seed, matching
from zoo.pretrained.finding import list_models
from zoo.recipes import RECIPES

REPOSITORY = pathlib.Path(__file__).parents[2]
INTRODUCTION = "`python -m trainers.train --recipe=NAME` trains a recipe."
LEGEND = """Test errors in percent: ours as mean ± standard deviation (number of seeds), then the published one.
A star marks recipes with a pretrained model: `zoo.load("NAME")`.
"""
LINE = "  {star} {name:<46} {ours:>17}  {published:>9}"
Facts = Mapping[str, Mapping[str, Any]]  # from `recipe_facts`


def recipe_facts(results: str | None = None) -> dict[str, dict[str, Any]]:
    """What the list says about each recipe.

    Args:
        results: results folder; None for that of the repository.

    Returns:
        `{name: {"dataset": ..., "table": title, "errors": {seed: percent}, "published_error": percent or None,
        "source": ..., "pretrained": bool}}`. Figures of other settings than the recipe's are left out.

    Raises:
        ValueError: the results folder is damaged.
    """
    recorded, pretrained = read_results(results or REPOSITORY / "results"), list_models(remote=True)
    found = {name: content for name, content in recorded.items() if not changed_settings(content["recipe"])}
    tables = {name: title for title, patterns, _ in TABLES.values() for name in matching(RECIPES, patterns)}
    return {
        name: {
            "dataset": RECIPES[name].dataset,
            "table": title,
            "errors": errors_by_seed(found[name]) if name in found else {},
            "published_error": RECIPES[name].published_error,
            "source": RECIPES[name].source,
            "pretrained": name in pretrained,
        }
        for name, title in tables.items()
    }


def recipe_list(facts: Facts) -> str:
    """The list of all recipes as text."""
    return f"{INTRODUCTION}\n{recipe_lines(facts)}"


def recipe_lines(facts: Facts) -> str:
    """A legend, then one line per recipe under headings."""
    return LEGEND + "\n".join(_lines(facts))


def _lines(facts: Facts) -> Iterator[str]:
    for dataset, of_dataset in itertools.groupby(facts.items(), lambda item: item[1]["dataset"]):
        yield "\n" + LINE.format(star=" ", name=dataset.upper(), ours="ours", published="published")
        for title, of_table in itertools.groupby(of_dataset, lambda item: item[1]["table"]):
            yield f"\n  {title}"
            for name, fact in of_table:
                errors = fact["errors"].values()
                ours = f"{as_mean_and_spread(errors)} ({len(errors)})" if errors else "–"
                yield LINE.format(
                    star="*" if fact["pretrained"] else " ",
                    name=name,
                    ours=ours,
                    published=as_published(fact["published_error"]),
                )
