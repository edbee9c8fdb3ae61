"""The published tables, and ours beside them."""

import fnmatch
import importlib.util
import statistics

from zoo.recipes import RECIPES

# Title, the recipes in order, and the one with which the others are compared seed by seed.
TABLES = {
    "synthetic": ("Synthetic signals (VMT paper, table 2)", ["synthetic_mlp-*"], "synthetic_mlp-baseline"),
    "mnist": ("MNIST, all labels (VMT paper, table 2)", ["mnist_mlp-*"], "mnist_mlp-baseline"),
    "mnist_few_labels": ("MNIST, few labels (VAT paper)", ["mnist_mlp1200-*"], None),
    "ladder": ("MNIST, ladder networks, fully connected", ["mnist_ladder-*"], None),
    "ladder_conv": ("MNIST, convolutional ladder networks", ["mnist_conv*_ladder-*"], None),
    "cifar10": (
        "CIFAR-10, all labels (VMT paper, table 3)",
        ["cifar10_conv_small-[!4]*"],
        "cifar10_conv_small-baseline",
    ),
    "cifar10_30ep": (
        "CIFAR-10, all labels, 30 epochs (published: VMT paper, table 3, 80 epochs)",
        ["cifar10_conv_small_30ep-*"],
        "cifar10_conv_small_30ep-baseline",
    ),
    "cifar10_4000": ("CIFAR-10, 4000 labels", ["cifar10_*-4000_*"], None),
}
COLUMNS = ("recipe", "published", "ours", "median", "seeds", "ours − published", "− {reference}", "s per epoch")


def matching(names, patterns):
    """The names that match one of the patterns, in their own order."""
    return [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]


def test_errors(content):
    """`{seed: test error in per cent}` of a recipe's results."""
    return {int(seed): run["errors"]["test"] for seed, run in content["seeds"].items()}


def as_mean_and_spread(values):
    """Mean and, of several values, standard deviation in a cell."""
    values = list(values)
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


def paired_difference(errors, reference):
    """The mean difference over common seeds, its 95 % confidence interval and the paired t test's p; None below two.

    Interval and p are None where all differences are equal: figures in steps of 0.01 % often are, with few seeds."""
    seeds = sorted(errors.keys() & reference.keys())
    if len(seeds) < 2 or importlib.util.find_spec("scipy") is None:
        return None
    import scipy.stats

    a, b = ([values[seed] for seed in seeds] for values in (errors, reference))
    mean, differences = statistics.mean(a) - statistics.mean(b), [x - y for x, y in zip(a, b, strict=True)]
    if max(differences) - min(differences) < 1e-9:
        return mean, None, None
    test = scipy.stats.ttest_rel(a, b)
    interval = test.confidence_interval(0.95)
    return mean, (float(interval.low), float(interval.high)), float(test.pvalue)


def describe_difference(difference):
    """A paired difference in a table's cell."""
    if difference is None:
        return "–"
    mean, interval, p = difference
    return f"{mean:+.2f}" + ("" if interval is None else f" [{interval[0]:+.2f}, {interval[1]:+.2f}], p = {p:.2g}")


def as_published(error):
    """A published error in a cell, with its source's digits, at least two behind the point; a dash for None."""
    if error is None:
        return "–"
    return f"{error:.2f}" if round(error, 2) == error else f"{error:g}"


def changed_settings(recipe):
    """`{field: value}` of what was changed in a recipe for these results."""
    known = RECIPES.get(recipe["name"])
    settings = known.settings() if known else {}
    return {field: recipe[field] for field in settings if recipe.get(field, settings[field]) != settings[field]}


def label(recipe):
    """A recipe's name, and what was changed in it for these results."""
    changed = ", ".join(f"{field}={value!r}" for field, value in changed_settings(recipe).items())
    return f"`{recipe['name']}`" + (f" with {changed}" if changed else "")


def cells(content, reference):
    """One recipe's cells, below `COLUMNS`."""
    errors = test_errors(content)
    mean, published = statistics.mean(errors.values()), content["recipe"]["published_error"]
    own = reference is not None and content["recipe"]["name"] == reference["recipe"]["name"]
    compared = None if reference is None or own else paired_difference(errors, test_errors(reference))
    return (
        label(content["recipe"]),
        as_published(published),
        as_mean_and_spread(errors.values()),
        f"{statistics.median(errors.values()):.2f}",
        str(len(errors)),
        "–" if published is None else f"{mean - published:+.2f}",
        describe_difference(compared),
        f"{statistics.median(run['seconds_per_epoch'] for run in content['seeds'].values()):.2f}",
    )


def row(content, reference):
    """One recipe's line."""
    return f"| {' | '.join(cells(content, reference))} |\n"


def shortfalls(contents):
    """A sentence about the rows that lie above their published figure by more than our spread, or about there being
    none."""
    behind, published_rows = [], 0
    for content in contents:
        errors, published = list(test_errors(content).values()), content["recipe"]["published_error"]
        published_rows += published is not None
        spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
        if published is not None and statistics.mean(errors) > published + spread + 0.005:
            by = "one seed" if len(errors) == 1 else f"{len(errors)} seeds"
            behind.append(f"{label(content['recipe'])} by {statistics.mean(errors) - published:.2f} ({by})")
    if not published_rows:
        return ""
    return f"\nBehind the published figure by more than our standard deviation: {'; '.join(behind) or 'no row'}.\n"


def table(key, results):
    """What one table is made of.

    Args:
        key: of `TABLES`.
        results: `{recipe name: content of its file}`.

    Returns:
        The heads of its columns, the contents of its rows, and the reference's content or None.
    """
    _, patterns, reference_name = TABLES[key]
    reference = results.get(reference_name)
    short = reference_name.split("-", 1)[1] if reference else "reference"
    contents = [results[name] for name in matching(results, patterns)]
    return [column.format(reference=short) for column in COLUMNS], contents, reference


def section(key, results):
    """One table with its title, or nothing where no recipe has results; arguments as for `table`."""
    columns, contents, reference = table(key, results)
    if not contents:
        return ""
    head = f"| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|\n"
    rows = "".join(row(content, reference) for content in contents)
    return f"\n## {TABLES[key][0]}\n\n{head}{rows}{shortfalls(contents)}"
