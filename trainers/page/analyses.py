"""What was measured of published models as the page takes it, from the files of `trainers.analyze`."""

import pathlib

from trainers.analysis.report import names_of, sizes
from trainers.workdir import read_json


def read_analyses(directory):
    """`{model name: content}` of the files in `results/analysis`; empty where there are none.

    Raises:
        ValueError: a file is damaged or holds something else; with its name.
    """
    analyses = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        content = read_json(path)
        try:
            cells = [*content["errors"].values(), *content["measures"].values()]
            complete = all({"settings"} < entry.keys() and ("error" in entry or "value" in entry) for entry in cells)
            analyses[content["model"]] = {"dataset": "", **content}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} holds no analysis of a model ({error!r}). Remove it from the folder.") from error
        if not complete:
            raise ValueError(f"{path} lacks figures or their settings. Remove it, and run trainers.analyze again.")
    return analyses


def measured(entry, key):
    """A value with its standard error, to the digits that this leaves."""
    value, error = entry[key], entry.get("standard_error")
    text = f"{value:.2f}" if key == "error" else f"{value:.3g}"
    return text if error is None else f"{text} ± {error:.2g}"


def analysis_facts(analysis):
    """Terms and values for a model's card."""
    facts = [(f"error, {name}", f"{measured(entry, 'error')} %") for name, entry in analysis["errors"].items()]
    return facts + [(name, measured(entry, "value")) for name, entry in analysis["measures"].items()]


def analysis_tables(analyses, anchors):
    """Tables of all models on each data set: of their errors, and of their measures.

    Args:
        analyses: as from `read_analyses`.
        anchors: `{model name: where its card stands on the page}`.
    """
    tables = []
    for dataset, contents in by_dataset(analyses).items():
        for kind, key, what in (("errors", "error", "errors in per cent"), ("measures", "value", "measures")):
            names = names_of(contents, kind)
            rows = []
            for content in contents:
                cells = [measured(content[kind][name], key) if name in content[kind] else "–" for name in names]
                rows.append({"anchor": anchors.get(content["model"]), "cells": [content["model"], *cells]})
            tables.append({"title": f"{dataset}: {what}", "columns": ["model", *names], "rows": rows})
    return tables


def analysis_settings(analyses):
    """The sizes of the attacks on each data set, in words."""
    return [f"{dataset}: {sizes(contents)}." for dataset, contents in by_dataset(analyses).items()]


def by_dataset(analyses):
    """`{data set: contents of its models}`."""
    sets = dict.fromkeys(content["dataset"] for content in analyses.values())
    return {dataset: [each for each in analyses.values() if each["dataset"] == dataset] for dataset in sets}
