"""The text of the analysis: errors, measures and rank correlations of the measured models."""

import pathlib

from trainers.analysis.rank_correlations import MIN_MODELS, spearman
from trainers.runs.workdir import read_json
from zoo.files import check_generated, write_generated

HEADER = """# Inside the models

Written by `trainers.analyze`; each model's file holds all figures with their settings. Attacks and measures take the
whole classifier, from pixels in [0, 1] or raw signals to logits. Behind every figure stands its standard error over the
test examples; it says nothing of other seeds of the training.
"""
EMPTY = "\nNo model has been measured yet: `python -m trainers.analyze`.\n"
ERRORS = """
### Test error in per cent

{table}
{sizes}.
"""
MEASURES = """
### Measures

{table}
Means over {number} test examples; calibration error ({num_bins} bins) over all, and generalization gap: test error less
the error on the training examples whose labels were used, in percentage points. J is the Jacobian of the logits, F the
Fisher information of the prediction, both in the input; `worst_*` is R of the movement field; local distributional
smoothness is VAT's divergence at ε {epsilon:g}; in the smoothness penalties ε is {smoothness:g}.
"""
CORRELATIONS = """
### What predicts what

{text}"""
FEW = "Rank correlations need at least {least} models; there {are} {number}.\n"
TABLE = """Spearman's ρ between a measure and an error over the models, with its p-value by permutation and the number n
of models. The p-values are not corrected for the number of comparisons, {comparisons} here, and the models share their
training data: read them as hints. R and the calibration error know the test labels, and a few misclassified examples
can make up most of R: what they share with the clean error is no prediction of it.

{table}"""


def markdown(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def names_of(contents, kind):
    """The errors or measures that some of the models have, in their own order."""
    return list(dict.fromkeys(name for content in contents for name in content[kind]))


def table(contents, kind, figure):
    """One row per model, one column per error or measure."""
    names = names_of(contents, kind)

    def cell(entry):
        return "–" if entry is None else f"{entry[figure]:.3g} ± {entry['standard_error']:.1g}"

    rows = [[f"`{content['model']}`", *(cell(content[kind].get(name)) for name in names)] for content in contents]
    return markdown(["model", *names], rows)


def sizes(contents):
    """The settings of the attacks, in words, each once."""
    told = []
    for name in names_of(contents, "errors"):
        entries = [content["errors"][name]["settings"] for content in contents if name in content["errors"]]
        texts = [
            (f" {entry['size']:.3g}" if "size" in entry else "") + f" on {entry['num_examples']} examples"
            for entry in entries
        ]
        told.append(f"`{name}`" + " or".join(dict.fromkeys(texts)))
    return "; ".join(told)


def correlations(contents):
    """The table of rank correlations of every measure with every error, or why there is none."""
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
    return TABLE.format(comparisons=len(rows) * len(outcomes), table=markdown(["measure", *outcomes], rows))


def describe(first, second):
    """The cell of one pair of measures, over the models that have both."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    figures = [[entry.get("value", entry.get("error")) for entry in pair] for pair in pairs]
    found = spearman([a for a, _ in figures], [b for _, b in figures])
    return f"– (n {len(pairs)})" if found is None else f"{found.rho:+.2f} (p {found.p:.2g}, n {found.number})"


def section(dataset, contents):
    """The text about the models of one data set."""
    settings = {name: entry["settings"] for name, entry in contents[0]["measures"].items()}
    numbers = [content["measures"]["jacobian_frobenius_squared"]["settings"]["num_examples"] for content in contents]
    return (
        f"\n## {dataset}\n"
        + ERRORS.format(table=table(contents, "errors", "error"), sizes=sizes(contents))
        + MEASURES.format(
            table=table(contents, "measures", "value"),
            number=" or ".join(dict.fromkeys(map(str, numbers))),
            num_bins=settings["calibration_error"]["num_bins"],
            epsilon=settings["local_distributional_smoothness"]["epsilon"],
            smoothness=settings["smoothness"]["epsilon"],
        )
        + CORRELATIONS.format(text=correlations(contents))
    )


def read_analyses(directory):
    """`{model name: content}` of a folder such as `results/analysis`; empty where there are none.

    Raises:
        ValueError: a file is damaged or holds something else; with its name.
    """
    analyses = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        content = read_json(path)
        try:
            cells = [*content["errors"].values(), *content["measures"].values()]
            complete = all({"settings"} < entry.keys() and ("error" in entry or "value" in entry) for entry in cells)
            analyses[content["model"]] = {**content, "dataset": content["dataset"]}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} holds no analysis of a model ({error!r}). Remove it from the folder.") from error
        if not complete:
            raise ValueError(f"{path} lacks figures or their settings. Remove it, and run trainers.analyze again.")
    return analyses


def check_folder(directory):
    """Refuses, before anything is measured, a folder whose `README.md` is somebody else's.

    Raises:
        ValueError: with its first line.
    """
    check_generated(pathlib.Path(directory) / "README.md", HEADER)


def write_report(directory):
    """Writes `README.md` from the models' files.

    Args:
        directory: folder of the results.

    Returns:
        The text.

    Raises:
        ValueError: a file is damaged or holds something else; with its name.
    """
    directory = pathlib.Path(directory)
    contents = list(read_analyses(directory).values())
    text = HEADER
    for dataset in dict.fromkeys(content["dataset"] for content in contents):
        text += section(dataset, [content for content in contents if content["dataset"] == dataset])
    directory.mkdir(parents=True, exist_ok=True)
    write_generated(directory / "README.md", text if contents else text + EMPTY)
    return text
