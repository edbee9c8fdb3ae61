"""The report of an analysis: errors, measures and rank correlations of the measured models."""

import pathlib
from collections.abc import Sequence
from typing import Any

from trainers.analysis.rank_correlations import MIN_MODELS, spearman
from trainers.results import markdown
from trainers.results.files import read_json
from trainers.results.markdown import as_size
from zoo.files import write_generated

HEADER = """# Inside the models

Written by `trainers.analyze`; the file of each model holds all figures with their settings. Attacks and measures apply
to the whole classifier, from pixels in [0, 1] or raw signals to logits. Attacks take their gradients through the moving
averages with which the model predicts. The number after ± is the standard error over the test examples; it does not
cover other seeds of the training.
"""
EMPTY = "\nNo model has been measured yet. Run `python -m trainers.analyze`.\n"
ERRORS = """
### Test error in percent

{table}
{sizes}.
"""
MEASURES = """
### Measures

{table}
Means over {number} test examples. The calibration error ({num_bins} bins) uses the whole test set, and so does
the generalization gap: test error minus the error on the training examples whose labels were used, in percentage
points. J is the Jacobian of the logits and F the Fisher information of the prediction, both with respect to the input;
`worst_*` is R of the movement field; local distributional smoothness is the divergence of VAT at ε {epsilon:g}; the
smoothness penalties use ε {smoothness:g}.
"""
CURVES = """
### Error in percent against the size of an attack

{table}
The columns are the largest change of a pixel. The attack is APGD on the cross-entropy and then on each wrong class, on
{number} test examples. Its errors at one size exceed those of `pgd_linf` above where a network hides its gradients.
"""
CORRELATIONS = """
### What predicts what

{text}"""
FEW = "Rank correlations need at least {least} models; there {are} {number}.\n"
TABLE = """Spearman's ρ between a measure and an error over the models, with its p-value by permutation and the number n
of models. The p-values are not corrected for the number of comparisons, {comparisons} here, and the models share their
training data: read them as hints. R and the calibration error use the test labels, and a few misclassified examples can
make up most of R. Their correlation with the clean error is therefore no prediction of it.

{table}"""
Content = dict[str, Any]  # of the file of a model


def names_of(contents: Sequence[Content], kind: str) -> list[str]:
    """The errors or measures that some of the models have, in their own order.

    Args:
        contents: of the models' files.
        kind: `"errors"` or `"measures"`.
    """
    return list(dict.fromkeys(name for content in contents for name in content[kind]))


def table(contents: Sequence[Content], kind: str, figure: str) -> str:
    """A Markdown table with one row per model and one column per error or measure.

    Args:
        contents: of the models' files.
        kind: `"errors"` or `"measures"`.
        figure: the key of the figure in an entry, `"error"` or `"value"`.
    """
    names = names_of(contents, kind)

    def cell(entry):
        return "–" if entry is None else f"{entry[figure]:.3g} ± {entry['standard_error']:.1g}"

    rows = [[f"`{content['model']}`", *(cell(content[kind].get(name)) for name in names)] for content in contents]
    return markdown.table(["model", *names], rows)


def curve_rows(contents: Sequence[Content]) -> tuple[list[str], list[list[str]]]:
    """The sizes of the curves, and a row per model that has one: its name, then the error at each size.

    Args:
        contents: of the models' files.
    """
    curves = {content["model"]: curve for content in contents for curve in content.get("curves", {}).values()}
    sizes = sorted({size for curve in curves.values() for size in curve["settings"]["sizes"]})
    rows = []
    for model, curve in curves.items():
        figures = zip(curve["settings"]["sizes"], curve["errors"], curve["standard_errors"], strict=True)
        found = {size: f"{error:.3g} ± {spread:.1g}" for size, error, spread in figures}
        rows.append([model, *(found.get(size, "–") for size in sizes)])
    return [as_size(size) for size in sizes], rows


def curves_text(contents: Sequence[Content]) -> str:
    """The table of errors against the size of an attack; empty if no model has it."""
    sizes, rows = curve_rows(contents)
    numbers = {
        str(each["settings"]["num_examples"]) for content in contents for each in content.get("curves", {}).values()
    }
    table = markdown.table(["model", *sizes], [[f"`{model}`", *cells] for model, *cells in rows])
    return CURVES.format(table=table, number=" or ".join(sorted(numbers))) if rows else ""


def sizes(contents: Sequence[Content]) -> str:
    """Describes the settings of the attacks, each once."""
    told = []
    for name in names_of(contents, "errors"):
        entries = [content["errors"][name]["settings"] for content in contents if name in content["errors"]]
        size = " or ".join(dict.fromkeys(as_size(entry["size"]) for entry in entries if "size" in entry))
        number = " or ".join(dict.fromkeys(str(entry["num_examples"]) for entry in entries))
        told.append(f"`{name}` {size + ' ' if size else ''}on {number} examples")
    return "; ".join(told)


def correlations(contents: Sequence[Content]) -> str:
    """The table of rank correlations of every measure with every error, or a sentence if there are too few models."""
    if len(contents) < MIN_MODELS:
        are = "is" if len(contents) == 1 else "are"
        return FEW.format(least=MIN_MODELS, number=len(contents), are=are)
    outcomes = {
        "generalization_gap": [content["measures"].get("generalization_gap") for content in contents],
        **{name: [content["errors"].get(name) for content in contents] for name in names_of(contents, "errors")},
    }
    predictors = [name for name in names_of(contents, "measures") if name != "generalization_gap"]
    rows = []
    for name in predictors:
        own = [content["measures"].get(name) for content in contents]
        rows.append([name, *(describe(own, outcome) for outcome in outcomes.values())])
    return TABLE.format(comparisons=len(rows) * len(outcomes), table=markdown.table(["measure", *outcomes], rows))


def describe(first: Sequence[Content | None], second: Sequence[Content | None]) -> str:
    """The cell of one pair of measures, over the models that have both.

    Args:
        first: entry of each model, or None.
        second: entry of each model, or None.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    figures = [[entry.get("value", entry.get("error")) for entry in pair] for pair in pairs]
    found = spearman([a for a, _ in figures], [b for _, b in figures])
    return f"– (n {len(pairs)})" if found is None else f"{found.rho:+.2f} (p {found.p:.2g}, n {found.number})"


def section(dataset: str, contents: Sequence[Content]) -> str:
    """The text about the models of one data set.

    Args:
        dataset: name of the data set.
        contents: of the models' files, at least one.
    """
    settings = {name: entry["settings"] for name, entry in contents[0]["measures"].items()}
    numbers = [content["measures"]["jacobian_frobenius_squared"]["settings"]["num_examples"] for content in contents]
    return (
        f"\n## {dataset}\n"
        + ERRORS.format(table=table(contents, "errors", "error"), sizes=sizes(contents))
        + curves_text(contents)
        + MEASURES.format(
            table=table(contents, "measures", "value"),
            number=" or ".join(dict.fromkeys(map(str, numbers))),
            num_bins=settings["calibration_error"]["num_bins"],
            epsilon=settings["local_distributional_smoothness"]["epsilon"],
            smoothness=settings["smoothness"]["epsilon"],
        )
        + CORRELATIONS.format(text=correlations(contents))
    )


def read_analyses(directory: str | pathlib.Path) -> dict[str, Content]:
    """Reads a folder such as `results/analysis`.

    Args:
        directory: the folder; a missing one has no analyses.

    Returns:
        `{model name: content of its file}`.

    Raises:
        ValueError: a file is damaged or holds something else.
    """
    analyses = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        content = read_json(path)
        try:
            cells = [*content["errors"].values(), *content["measures"].values()]
            complete = all({"settings"} < entry.keys() and ("error" in entry or "value" in entry) for entry in cells)
            curves = content.get("curves", {})
            same_length = all(
                len(curve["settings"]["sizes"]) == len(curve["errors"]) == len(curve["standard_errors"])
                for curve in curves.values()
            )
            analyses[content["model"]] = {**content, "dataset": content["dataset"], "curves": curves}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} holds no analysis of a model ({error!r}). Remove it from the folder.") from error
        if not complete or not same_length:
            raise ValueError(f"{path} lacks figures or their settings. Remove it, and run trainers.analyze again.")
    return analyses


def write_report(directory: str | pathlib.Path) -> dict[str, Content]:
    """Writes `README.md` from the files of the models.

    Args:
        directory: folder of the figures.

    Returns:
        The figures, from `read_analyses`.

    Raises:
        ValueError: a file is damaged or holds something else, or `README.md` is not ours.
    """
    directory = pathlib.Path(directory)
    analyses = read_analyses(directory)
    contents, text = list(analyses.values()), HEADER
    for dataset in dict.fromkeys(content["dataset"] for content in contents):
        text += section(dataset, [content for content in contents if content["dataset"] == dataset])
    directory.mkdir(parents=True, exist_ok=True)
    write_generated(directory / "README.md", text if contents else text + EMPTY)
    return analyses
