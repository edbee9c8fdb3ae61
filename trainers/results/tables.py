"""The published tables with our figures next to theirs."""

import fnmatch
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from trainers.results.markdown import table
from trainers.results.statistics import as_difference, as_mean_and_spread, mean_and_spread, paired_difference
from zoo.recipes import RECIPES
from zoo.recipes.recipe import DESCRIPTION, LATER

# Title, patterns of recipes in order, and the recipe that the others are compared with, seed by seed.
TABLES = {
    "synthetic": ("Synthetic signals (VMT paper, table 2)", ["synthetic_mlp-*"], "synthetic_mlp-baseline"),
    "mnist": ("MNIST, all labels (VMT paper, table 2)", ["mnist_mlp-*"], "mnist_mlp-baseline"),
    "mnist_conv": ("MNIST, convolutional network, attacks in L∞", ["mnist_conv-*"], "mnist_conv-baseline"),
    "mnist_few_labels": ("MNIST, few labels (VAT paper)", ["mnist_mlp1200-*", "mnist_mlp_noise-*"], None),
    "ladder": ("MNIST, ladder networks, fully connected", ["mnist_ladder-*"], None),
    "ladder_10ep_100": (
        "MNIST, 100 labels, variants of adversarial noise in ladders, 10 epochs",
        ["mnist_ladder_10ep-100_*"],
        "mnist_ladder_10ep-100_full",
    ),
    "ladder_10ep_all": (
        "MNIST, all labels, variants of adversarial noise in ladders, 10 epochs",
        ["mnist_ladder_10ep-all_*"],
        "mnist_ladder_10ep-all_full",
    ),
    "ladder_conv": ("MNIST, convolutional ladder networks", ["mnist_conv*_ladder*"], None),
    "cifar10": (
        "CIFAR-10, all labels (VMT paper, table 3)",
        ["cifar10_conv_small-[!4]*"],
        "cifar10_conv_small-baseline",
    ),
    "cifar10_30ep": (
        "CIFAR-10, all labels, 30 epochs (published: VMT paper, table 3, 80 epochs)",
        ["cifar10_conv_small_30ep-[!4]*"],
        "cifar10_conv_small_30ep-baseline",
    ),
    "cifar10_4000": ("CIFAR-10, 4000 labels", ["cifar10_*-4000_*"], None),
    "cifar10_ladder": ("CIFAR-10, all labels, encoder of the ladder", ["cifar10_conv_ladder-all_*"], None),
}
# Rows that differ from the reference of their table in more than their method, and the method to compare them with.
REFERENCES = {"*-unnormalized_*": "unnormalized", "*-norm_constraint": "unnormalized", "*-parameter_tying": "untied"}
COLUMNS = ("recipe", "published", "ours", "median", "seeds", "ours − published", "− {reference}", "s per epoch")
LABELED_STATISTICS = "ours, labeled statistics"  # of ladders, which the authors measure so
Content = dict[str, Any]  # of the results file of a recipe


def matching(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The names that match at least one pattern, in their given order.

    Args:
        names: to choose from.
        patterns: with the wildcards `*`, `?` and `[…]`.
    """
    return [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]


def errors_by_seed(content: Content) -> dict[int, float]:
    """`{seed: test error in percent}` of the results of a recipe."""
    return {int(seed): run["errors"]["test"] for seed, run in content["seeds"].items()}


def as_published(error: float | None) -> str:
    """Formats a published error with the digits of its source, at least two decimals; a dash for None.

    Example:
        >>> as_published(0.7), as_published(0.557), as_published(None)
        ('0.70', '0.557', '–')
    """
    if error is None:
        return "–"
    return f"{error:.2f}" if round(error, 2) == error else f"{error:g}"


def changed_settings(recipe: dict[str, Any]) -> dict[str, Any]:
    """The fields of a recorded recipe that differ from the recipe of this name, with their recorded values.

    Returns:
        `{path of the field: value}`, such as `{"regularizers.vat.epsilon": 1.5}`.
    """
    known = RECIPES.get(recipe["name"])
    settings = {field: value for field, value in known.as_dict().items() if field not in DESCRIPTION} if known else {}
    recorded = {field: recipe.get(field, LATER.get(field, value)) for field, value in settings.items()}
    return changes(recorded, settings)


def changes(recorded: dict[str, Any], known: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{path: recorded value}` of the entries that differ, at any depth; None for an entry that is not recorded."""
    found = {}
    for field in dict.fromkeys([*recorded, *known]):
        mine, theirs = recorded.get(field), known.get(field)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            found.update(changes(mine, theirs, f"{prefix}{field}."))
        elif mine != theirs:
            found[prefix + field] = mine
    return found


def label(recipe: dict[str, Any]) -> str:
    """The name of a recorded recipe, and what was changed in it, as Markdown."""
    changed = ", ".join(f"{field}={value!r}" for field, value in changed_settings(recipe).items())
    return f"`{recipe['name']}`" + (f" with {changed}" if changed else "")


def published_cell(recipe: dict[str, Any]) -> str:
    """The published error of a recorded recipe, with that of its own reference if it has one."""
    published, reference = as_published(recipe["published_error"]), recipe.get("published_reference")
    return f"{published} (reference {as_published(reference['error'])})" if reference else published


def own_reference(recipe: dict[str, Any]) -> str | None:
    """The name of the recipe to compare a row with in place of the reference of its table; None if it has none.

    Example:
        >>> from trainers.results.tables import own_reference
        >>> own_reference({"name": "mnist_mlp-unnormalized_l2"})
        'mnist_mlp-unnormalized'
    """
    if published := recipe.get("published_reference"):
        return published["recipe"]
    methods = [method for pattern, method in REFERENCES.items() if matching([recipe["name"]], [pattern])]
    return f"{recipe['name'].split('-', 1)[0]}-{methods[0]}" if methods else None


def cells(content: Content, reference: Content | None, *, named: bool = False) -> tuple[str, ...]:
    """The cells of a recipe under `COLUMNS`.

    Args:
        content: results of the recipe.
        reference: results of the recipe to compare with, or None.
        named: whether the difference says which recipe that is.
    """
    errors = errors_by_seed(content)
    own = reference is not None and content["recipe"]["name"] == reference["recipe"]["name"]
    compared = None if reference is None or own else paired_difference(errors, errors_by_seed(reference))
    against = f" against `{reference['recipe']['name']}`" if reference and compared and named else ""
    published = content["recipe"]["published_error"]
    return (
        label(content["recipe"]),
        published_cell(content["recipe"]),
        as_mean_and_spread(errors.values()),
        f"{statistics.median(errors.values()):.2f}",
        str(len(errors)),
        "–" if published is None else f"{statistics.mean(comparable_errors(content)) - published:+.2f}",
        as_difference(compared) + against,
        f"{statistics.median(run['seconds_per_epoch'] for run in content['seeds'].values()):.2f}",
    )


def labeled_errors(content: Content) -> list[float]:
    """The errors of a ladder with the statistics of its labeled inputs, of the seeds where they were measured."""
    runs = content["seeds"].values()
    return [run["errors_labeled_statistics"]["test"] for run in runs if "errors_labeled_statistics" in run]


def comparable_errors(content: Content) -> list[float]:
    """The errors to compare with the published one: of ladders those with labeled statistics, if they were measured."""
    return labeled_errors(content) or list(errors_by_seed(content).values())


def labeled_statistics(content: Content) -> str:
    """The cell of `labeled_errors`; a dash if none was measured."""
    errors = labeled_errors(content)
    return as_mean_and_spread(errors) if errors else "–"


def rows_of(contents: Iterable[Content], reference: Content | None) -> list[tuple[str, ...]]:
    """The cells of every row of a table under the headings of `parts`.

    Args:
        contents: of the rows.
        reference: of the table. A recipe with a reference of its own is compared with that one alone.
    """
    contents = list(contents)
    named = {content["recipe"]["name"]: content for content in contents if not changed_settings(content["recipe"])}
    own = [own_reference(content["recipe"]) for content in contents]
    rows = [
        cells(content, named.get(name) if name else reference, named=name is not None)
        for content, name in zip(contents, own, strict=True)
    ]
    if not any(map(labeled_errors, contents)):
        return rows
    return [(*row[:3], labeled_statistics(content), *row[3:]) for row, content in zip(rows, contents, strict=True)]


def shortfalls(contents: Iterable[Content]) -> str:
    """A sentence that lists the rows whose error exceeds the published one by more than our standard deviation.

    Returns:
        The sentence, which also says if there is no such row; empty if no row has a published error.
    """
    above, published_rows = [], 0
    for content in contents:
        errors, published = comparable_errors(content), content["recipe"]["published_error"]
        published_rows += published is not None
        mean, spread = mean_and_spread(errors)
        if published is not None and mean > published + spread + 0.005:
            by = "one seed" if len(errors) == 1 else f"{len(errors)} seeds"
            above.append(f"{label(content['recipe'])} by {mean - published:.2f} ({by})")
    if not published_rows:
        return ""
    above_by = "Above the published error (with several seeds, by more than our standard deviation)"
    return f"\n{above_by}: {'; '.join(above) or 'no row'}.\n"


def parts(key: str, results: Mapping[str, Content]) -> tuple[list[str], list[Content], Content | None]:
    """What one table consists of.

    Args:
        key: of `TABLES`.
        results: `{recipe name: content of its file}`.

    Returns:
        The headings of the columns, the contents of the rows, and the content of the reference or None.
    """
    _, patterns, reference_name = TABLES[key]
    reference = results.get(reference_name)
    if reference and changed_settings(reference["recipe"]):
        reference = None
    short = reference_name.split("-", 1)[1] if reference else "reference"
    contents = [results[name] for name in matching(results, patterns)]
    columns = [column.format(reference=short) for column in COLUMNS]
    if any(map(labeled_errors, contents)):
        columns.insert(3, LABELED_STATISTICS)
    return columns, contents, reference


def section(key: str, results: Mapping[str, Content]) -> str:
    """One table with its title as Markdown; empty if no recipe of the table has results.

    Args:
        key: of `TABLES`.
        results: `{recipe name: content of its file}`.
    """
    columns, contents, reference = parts(key, results)
    if not contents:
        return ""
    rows = rows_of(contents, reference)
    return f"\n## {TABLES[key][0]}\n\n{table(columns, rows)}{shortfalls(contents)}"
